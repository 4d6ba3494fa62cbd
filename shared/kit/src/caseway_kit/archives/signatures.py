"""Signatures of file types, as data: (offset, magic, MIME type, family, holds members)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caseway_kit.archives.filetypes import Family

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK00PK\x03\x04", b"PK\x07\x08PK\x03\x04", b"PK\x06\x06")
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ISO_AT = 0x8001
MSI_CLASS = bytes.fromhex("84100c0000000000c000000000000046")
MSI_TABLE = bytes.fromhex("3f3b")

RPM = "application/x-rpm"
_LZH = "application/x-lzh-compressed"
_LZH_METHODS = (b"h0", b"h1", b"h2", b"h3", b"h4", b"h5", b"h6", b"h7", b"hd", b"z4", b"z5", b"zs")

TABLE: "tuple[tuple[int, bytes, str, Family, bool], ...]" = (
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "archive", True),
    (0, b"Rar!\x1a\x07", "application/vnd.rar", "archive", True),
    (0, b"\x1f\x8b", "application/gzip", "archive", True),
    (4, b"1AY&SY", "application/x-bzip2", "archive", True),
    (0, b"\xfd7zXZ\x00", "application/x-xz", "archive", True),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd", "archive", True),
    (0, b"\x04\x22\x4d\x18", "application/x-lz4", "archive", True),
    (0, b"LZIP", "application/x-lzip", "archive", True),
    (0, b"\x5d\x00\x00", "application/x-lzma", "archive", True),
    (0, b"\x1f\x9d", "application/x-compress", "archive", True),
    (0, b"MSCF", "application/vnd.ms-cab-compressed", "archive", True),
    (0, b"xar!", "application/x-xar", "installer", True),
    (0, b"!<arch>\ndebian", "application/vnd.debian.binary-package", "installer", True),
    (0, b"!<arch>\n", "application/x-archive", "archive", True),
    (0, b"\xed\xab\xee\xdb", RPM, "installer", True),
    (0, b"070701", "application/x-cpio", "archive", True),
    (0, b"070702", "application/x-cpio", "archive", True),
    (0, b"070707", "application/x-cpio", "archive", True),
    (0, b"\xc7\x71", "application/x-cpio", "archive", True),
    (0, b"\x71\xc7", "application/x-cpio", "archive", True),
    *((2, b"-l" + method + b"-", _LZH, "archive", True) for method in _LZH_METHODS),
    (257, b"ustar", "application/x-tar", "archive", True),
    (0, b"\x60\xea", "application/x-arj", "archive", False),
    (7, b"**ACE**", "application/x-ace-compressed", "archive", False),
    (0, b"\x7fELF", "application/x-elf", "executable", False),
    (0, b"\xfe\xed\xfa\xce", "application/x-mach-binary", "executable", False),
    (0, b"\xfe\xed\xfa\xcf", "application/x-mach-binary", "executable", False),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-binary", "executable", False),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary", "executable", False),
    (0, b"\xca\xfe\xba\xbe\x00\x00\x00\x02", "application/x-mach-binary", "executable", False),
    (0, b"\xca\xfe\xba\xbe", "application/java-vm", "executable", False),
    (0, b"dex\n", "application/vnd.android.dex", "executable", False),
    (0, b"\x00asm", "application/wasm", "executable", False),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut", "shortcut", False),
    (0, b"ITSF\x03\x00", "application/vnd.ms-htmlhelp", "script", False),
    (0, b"\x23\x40\x7e\x5e", "text/x-encoded-script", "script", False),
    (0, b"conectix", "application/x-vhd", "disk-image", False),
    (0, b"vhdxfile", "application/x-vhdx", "disk-image", False),
    (0, b"KDMV", "application/x-vmdk", "disk-image", False),
    (0, b"{\\rt", "text/rtf", "document", False),
    (0, b"%PDF-", "application/pdf", "document", False),
    (0, b"\xef\xbb\xbf%PDF-", "application/pdf", "document", False),
    (0, bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), "application/onenote", "document", False),
    (0, b"\x89PNG\r\n\x1a\n", "image/png", "image", False),
    (0, b"\xff\xd8\xff", "image/jpeg", "image", False),
    (0, b"GIF87a", "image/gif", "image", False),
    (0, b"GIF89a", "image/gif", "image", False),
    (0, b"II*\x00", "image/tiff", "image", False),
    (0, b"MM\x00*", "image/tiff", "image", False),
    (8, b"WEBP", "image/webp", "image", False),
    (0, b"\x00\x00\x01\x00", "image/vnd.microsoft.icon", "image", False),
    (8, b"WAVE", "audio/x-wav", "media", False),
    (8, b"AVI ", "video/x-msvideo", "media", False),
    (4, b"ftyp", "video/mp4", "media", False),
    (0, b"ID3", "audio/mpeg", "media", False),
    (0, b"\xff\xfb", "audio/mpeg", "media", False),
    (0, b"OggS", "audio/ogg", "media", False),
    (0, b"fLaC", "audio/flac", "media", False),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska", "media", False),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3", "document", False),
    (0, b"ElfFile\x00", "application/x-ms-evtx", "document", False),
    (0, b"regf", "application/x-ms-registry", "document", False),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap", "document", False),
    (0, b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap", "document", False),
    (0, b"\x0a\x0d\x0d\x0a", "application/x-pcapng", "document", False),
    (0, b"\x78\x9f\x3e\x22", "application/vnd.ms-tnef", "document", False),
)

OFFICE_FOLDERS = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
OLE_STREAMS = (
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("EncryptedPackage", "application/x-encrypted-office"),
)

# Formats that hold one stream and not its name: the library's number of the filter, and what is left off the archive's
# own name to get it.
ONE_STREAM = {
    "application/gzip": (1, (".gz", ".tgz")),
    "application/x-bzip2": (2, (".bz2", ".tbz2")),
    "application/x-xz": (6, (".xz", ".txz")),
    "application/zstd": (14, (".zst", ".tzst")),
    "application/x-lz4": (13, (".lz4",)),
    "application/x-lzip": (9, (".lz",)),
    "application/x-lzma": (5, (".lzma",)),
    "application/x-compress": (3, (".Z",)),
}
