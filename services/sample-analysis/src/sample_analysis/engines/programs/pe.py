"""Programs of Windows: what their headers state, what they import, what lies behind them, whether they are signed."""

from datetime import UTC, datetime

import pefile

from sample_analysis.engines.inspection import Inspection, surviving
from sample_analysis.engines.programs import signature
from sample_analysis.engines.programs.bytes_at import entropy

PROGRAM_BYTES = 64 * 1024 * 1024
IMPORTS_NAMED = 12
_DIRECTORIES = ("IMPORT", "EXPORT", "TLS", "DELAY_IMPORT", "COM_DESCRIPTOR")
_MACHINES = {0x14C: "x86", 0x8664: "x86-64", 0x1C0: "ARM", 0x1C4: "ARM", 0xAA64: "ARM64", 0x200: "Itanium"}
_SUBSYSTEMS = {1: "driver", 2: "window", 3: "console", 10: "EFI", 11: "EFI driver", 12: "EFI driver"}
_EXECUTABLE, _WRITABLE = 0x20000000, 0x80000000
_DLL = 0x2000
_PACKED = 7.2
_SMALLEST_PACKED = 4096


def inspect(inspection: Inspection) -> None:
    data = inspection.content.head(PROGRAM_BYTES)
    if inspection.content.size > PROGRAM_BYTES:
        inspection.node.cut_short(
            "program-bytes", f"Only the first {PROGRAM_BYTES // 1024 // 1024} MiB were taken apart."
        )
    try:
        program = pefile.PE(data=data, fast_load=True)
    except pefile.PEFormatError as error:
        inspection.tell(
            "not-a-program", "It begins like a program of Windows but is none that it loads.", str(error.value)
        )
        return
    # It is not closed: bytes need no closing, and that would collect all garbage of the process.
    _header(inspection, program)
    _sections(inspection, program, data)
    for look in (_imports, _rest, _overlay):
        with surviving(inspection.node):
            look(inspection, program)
    signature.inspect(inspection)


def _header(inspection: Inspection, program: pefile.PE) -> None:
    machine = program.FILE_HEADER.Machine
    kind = "library" if program.FILE_HEADER.Characteristics & _DLL else "program"
    subsystem = _SUBSYSTEMS.get(program.OPTIONAL_HEADER.Subsystem, "other")
    made_for = f"{_MACHINES.get(machine, hex(machine))}, {subsystem}"
    says = f"A {kind} for Windows ({made_for}) of {len(program.sections)} sections."
    inspection.tell("program", says, ", ".join(_name(section) for section in program.sections[:20]))
    stamp = program.FILE_HEADER.TimeDateStamp
    built = datetime.fromtimestamp(stamp, UTC).isoformat(timespec="seconds")
    inspection.tell("build-time", "When it was built, as its header states; many tools write something else.", built)


def _sections(inspection: Inspection, program: pefile.PE, data: bytes) -> None:
    entry = program.OPTIONAL_HEADER.AddressOfEntryPoint
    inside = None
    for section in program.sections:
        name, flags = _name(section), section.Characteristics
        if flags & _EXECUTABLE and flags & _WRITABLE:
            inspection.tell(
                "section-writes-code", "A section can be written and run, as packed programs need it.", name
            )
        body = data[section.PointerToRawData : section.PointerToRawData + section.SizeOfRawData]
        if len(body) >= _SMALLEST_PACKED and (measured := entropy(body)) > _PACKED:
            says = "A section is packed or encrypted, as its bytes are spread like those of chance."
            inspection.tell("section-packed", says, f"{name}: {measured:.2f} bits a byte")
        if (
            section.VirtualAddress
            <= entry
            < section.VirtualAddress + max(section.Misc_VirtualSize, section.SizeOfRawData)
        ):
            inside = section
    if entry and program.sections and inside is None:
        inspection.tell("entry-outside", "It starts at a place that lies in none of its sections.", hex(entry))
    elif inside is not None and entry and not inside.Characteristics & _EXECUTABLE:
        inspection.tell("entry-in-data", "It starts in a section that is not marked as code.", _name(inside))


def _imports(inspection: Inspection, program: pefile.PE) -> None:
    wanted = [pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{name}"] for name in _DIRECTORIES]
    program.parse_data_directories(directories=wanted)
    listed = getattr(program, "DIRECTORY_ENTRY_IMPORT", [])
    libraries = [entry.dll.decode("latin-1") for entry in listed if entry.dll]
    functions = sum(len(entry.imports) for entry in listed)
    if functions:
        says = (
            f"It imports {functions:,} functions of {len(libraries)} libraries: {', '.join(libraries[:IMPORTS_NAMED])}."
        )
        inspection.tell("imports", says, f"imphash {program.get_imphash()}")
    else:
        inspection.tell(
            "no-imports", "It imports nothing by name: it finds what it needs when it runs, or needs nothing."
        )
    if delayed := getattr(program, "DIRECTORY_ENTRY_DELAY_IMPORT", []):
        names = [entry.dll.decode("latin-1") for entry in delayed if entry.dll]
        inspection.tell(
            "delayed-imports", "It loads libraries only when it needs them.", ", ".join(names[:IMPORTS_NAMED])
        )


def _rest(inspection: Inspection, program: pefile.PE) -> None:
    exports = getattr(program, "DIRECTORY_ENTRY_EXPORT", None)
    if exports is not None and exports.symbols:
        names = [symbol.name.decode("latin-1") for symbol in exports.symbols[:IMPORTS_NAMED] if symbol.name]
        inspection.tell("exports", f"It offers {len(exports.symbols):,} functions to others.", ", ".join(names))
    tls = getattr(program, "DIRECTORY_ENTRY_TLS", None)
    if tls is not None and tls.struct.AddressOfCallBacks:
        says = "It has functions that run before its start (TLS callbacks)."
        inspection.tell("runs-before-start", says, hex(tls.struct.AddressOfCallBacks))
    if program.OPTIONAL_HEADER.DATA_DIRECTORY and hasattr(program, "DIRECTORY_ENTRY_COM_DESCRIPTOR"):
        inspection.tell("dotnet", "It is written for .NET.")


def _overlay(inspection: Inspection, program: pefile.PE) -> None:
    start = program.get_overlay_data_start_offset()
    if start is None:
        return
    signed = signature.place(program)
    left = inspection.content.size - start - (signed[1] if signed and signed[0] >= start else 0)
    if left > 16:
        inspection.tell("overlay", f"{left:,} bytes follow the program that Windows does not load.", f"offset {start}")


def _name(section: pefile.SectionStructure) -> str:
    return str(section.Name.rstrip(b"\x00").decode("latin-1"))
