"""Which inspectors look into which type of file."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from caseway_kit.archives import Content, FileType
from sample_analysis.engines import documents, programs
from sample_analysis.engines.documents import office_text, office_xml, ole, onenote, pdf, rtf
from sample_analysis.engines.inspection import Inspection, run
from sample_analysis.engines.mailing import calendars, pages
from sample_analysis.engines.programs import elf, macho, pe, scripts, shortcuts
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

Inspector = Callable[[Inspection], None]
_Entry = tuple[str, str, Inspector]

_DOCUMENTS = ("caseway-documents", documents.VERSION)
_PROGRAMS = ("caseway-programs", programs.VERSION)
_PAGES = ("caseway-pages", pages.VERSION)
_OLE: _Entry = (*_DOCUMENTS, ole.inspect)
_PDF: _Entry = (*_DOCUMENTS, pdf.inspect)
_XML: _Entry = (*_DOCUMENTS, office_xml.inspect)
_WORKBOOK_PART: _Entry = (*_DOCUMENTS, office_xml.inspect_binary)
_OFFICE_TEXT: _Entry = (*_DOCUMENTS, office_text.inspect)

_RTF: _Entry = (*_DOCUMENTS, rtf.inspect)
_NOTES: _Entry = (*_DOCUMENTS, onenote.inspect)
_PE: _Entry = (*_PROGRAMS, pe.inspect)
_ELF: _Entry = (*_PROGRAMS, elf.inspect)
_MACH: _Entry = (*_PROGRAMS, macho.inspect)
_SCRIPT: _Entry = (*_PROGRAMS, scripts.inspect)
_SHORTCUT: _Entry = (*_PROGRAMS, shortcuts.inspect)
_SHORTCUT_TEXT: _Entry = (*_PROGRAMS, shortcuts.inspect_text)

_BY_TYPE: dict[str, tuple[_Entry, ...]] = {
    "application/msword": (_OLE,),
    "application/vnd.ms-excel": (_OLE,),
    "application/vnd.ms-powerpoint": (_OLE,),
    "application/pdf": (_PDF,),
    "application/x-encrypted-office": (_OLE,),
    "application/vnd.microsoft.portable-executable": (_PE,),
    "application/x-elf": (_ELF,),
    "application/x-mach-binary": (_MACH,),
    "application/x-ole-storage": (_OLE,),
    "application/onenote": (_NOTES,),
    "application/x-ms-shortcut": (_SHORTCUT,),
    "application/x-mswinurl": (_SHORTCUT_TEXT,),
    "image/svg+xml": ((*_PAGES, pages.inspect_drawing),),
    "text/calendar": ((*_PAGES, calendars.inspect),),
    "text/html": ((*_PAGES, pages.inspect),),
    "text/rtf": (_RTF,),
    "text/xml": (_XML,),
    "text/plain": (_OFFICE_TEXT, _XML),
    "application/octet-stream": (_WORKBOOK_PART,),
}
_BY_FAMILY: dict[str, tuple[_Entry, ...]] = {"script": (_SCRIPT,)}


def inspect(job: "Job", node: Node, content: Content, found: FileType, depth: int, nesting: int) -> None:
    for engine, version, look in _BY_TYPE.get(found.mime) or _BY_FAMILY.get(found.family, ()) or _general(found):
        run(Inspection(job, node, content, found, depth, nesting, engine, version), look)


def _general(found: FileType) -> tuple[_Entry, ...]:
    """Those who look into text of no kind in particular."""
    if found.family != "text" or found.mime == "text/html":
        return ()
    return _BY_TYPE["text/xml" if found.mime.endswith(("xml", "plist", "jnlp-file")) else "text/plain"]
