"""Which inspectors look into which type of file."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from caseway_kit.archives import Content, FileType
from sample_analysis.engines import documents
from sample_analysis.engines.documents import office_text, office_xml, ole
from sample_analysis.engines.inspection import Inspection, run
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

Inspector = Callable[[Inspection], None]
_Entry = tuple[str, str, Inspector]

_DOCUMENTS = ("caseway-documents", documents.VERSION)
_OLE: _Entry = (*_DOCUMENTS, ole.inspect)
_XML: _Entry = (*_DOCUMENTS, office_xml.inspect)
_WORKBOOK_PART: _Entry = (*_DOCUMENTS, office_xml.inspect_binary)
_OFFICE_TEXT: _Entry = (*_DOCUMENTS, office_text.inspect)

_BY_TYPE: dict[str, tuple[_Entry, ...]] = {
    "application/msword": (_OLE,),
    "application/vnd.ms-excel": (_OLE,),
    "application/vnd.ms-powerpoint": (_OLE,),
    "application/x-encrypted-office": (_OLE,),
    "application/x-ole-storage": (_OLE,),
    "text/xml": (_XML,),
    "text/plain": (_OFFICE_TEXT, _XML),
    "application/octet-stream": (_WORKBOOK_PART,),
}


def inspect(job: "Job", node: Node, content: Content, found: FileType, depth: int, nesting: int) -> None:
    for engine, version, look in _BY_TYPE.get(found.mime, ()):
        run(Inspection(job, node, content, found, depth, nesting, engine, version), look)
