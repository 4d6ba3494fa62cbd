"""Which inspectors look into which type of file."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from caseway_kit.archives import Content, FileType
from sample_analysis.engines import documents
from sample_analysis.engines.documents import office_text, office_xml, ole, pdf
from sample_analysis.engines.inspection import Inspection, run
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

Inspector = Callable[[Inspection], None]
_Entry = tuple[str, str, Inspector]

_DOCUMENTS = ("caseway-documents", documents.VERSION)
_OLE: _Entry = (*_DOCUMENTS, ole.inspect)
_PDF: _Entry = (*_DOCUMENTS, pdf.inspect)
_XML: _Entry = (*_DOCUMENTS, office_xml.inspect)
_WORKBOOK_PART: _Entry = (*_DOCUMENTS, office_xml.inspect_binary)
_OFFICE_TEXT: _Entry = (*_DOCUMENTS, office_text.inspect)

_PDF_STARTS_IN = 1024
_BY_TYPE: dict[str, tuple[_Entry, ...]] = {
    "application/msword": (_OLE,),
    "application/vnd.ms-excel": (_OLE,),
    "application/vnd.ms-powerpoint": (_OLE,),
    "application/pdf": (_PDF,),
    "application/x-encrypted-office": (_OLE,),
    "application/x-ole-storage": (_OLE,),
    "text/xml": (_XML,),
    "text/plain": (_OFFICE_TEXT, _XML),
    "application/octet-stream": (_WORKBOOK_PART,),
}


def inspect(job: "Job", node: Node, content: Content, found: FileType, depth: int, nesting: int) -> None:
    entries = _BY_TYPE.get(found.mime) or _BY_TYPE.get(_general(found), ())
    if _PDF not in entries and b"%PDF-" in content.head(_PDF_STARTS_IN):
        # Readers take it for a PDF, whatever stands before.
        entries = (*entries, _PDF)
    for engine, version, look in entries:
        run(Inspection(job, node, content, found, depth, nesting, engine, version), look)


def _general(found: FileType) -> str:
    """What a kind of text is to those who look into no kind of it in particular."""
    if found.family != "text" or found.mime == "text/html":
        return ""
    return "text/xml" if found.mime.endswith(("xml", "plist", "jnlp-file")) else "text/plain"
