"""PDF: what it does when it is opened or clicked, what is attached, whether it can be read at all."""

import io
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pypdf
from pypdf.errors import LimitReachedError
from pypdf.generic import IndirectObject, PdfObject

from caseway_kit.archives.passwords import STANDARD
from sample_analysis.engines.documents import pdf_raw
from sample_analysis.engines.documents.pdf_objects import Finder
from sample_analysis.engines.inspection import Inspection

DOCUMENT_BYTES = 96 * 1024 * 1024
OBJECTS = 50_000
UNPACKED = 32 * 1024 * 1024
LONGEST_PASSWORD = 127

_LIMITS: dict[str, Any] = {
    "zlib_maximum_output_length": UNPACKED,
    "lzw_maximum_output_length": UNPACKED,
    "run_length_maximum_output_length": UNPACKED,
    "stream_decoding_work_maximum_length": 4 * UNPACKED,
    # Never ask a program beside this one.
    "jbig2dec_binary": None,
    "disable_legacy_handling": True,
}
# What it has to say about damage quotes the document, and that belongs in no log.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)


def inspect(inspection: Inspection) -> None:
    """The objects as the document's own tables list them, then what stands beside the tables."""
    data = inspection.content.head(DOCUMENT_BYTES)
    if inspection.content.size > DOCUMENT_BYTES:
        inspection.node.cut_short("document-bytes", f"Only the first {DOCUMENT_BYTES // 1024 // 1024} MiB were read.")
    finder = Finder(inspection)
    try:
        with pypdf.apply_configuration(**_LIMITS):
            reader = _open(inspection, data)
            if reader is not None:
                for number, found in _objects(inspection, reader):
                    finder.look(found, number)
    finally:
        pdf_raw.inspect(inspection, data)
    finder.conclude()


def _open(inspection: Inspection, data: bytes) -> pypdf.PdfReader | None:
    """None for one that stays closed; a damaged one is read as far as it can be mended."""
    start = max(data[:1024].find(b"%PDF-"), 0)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data[start:]), strict=False)
        if not reader.is_encrypted:
            return reader
    except LimitReachedError:
        inspection.node.cut_short("document-bytes", "It unpacks to more than a document may: not all of it was read.")
        return None
    except Exception:
        # The library raises anything on a damaged document; its visible text is still searched.
        inspection.node.cut_short("damaged", "It is damaged: only what stands in it unpacked was looked at.")
        return None
    return _unlock(inspection, reader)


def _unlock(inspection: Inspection, reader: pypdf.PdfReader) -> pypdf.PdfReader | None:
    for password in candidates(inspection.passwords)[: inspection.job.budget.limits.password_tries]:
        try:
            if reader.decrypt(password):
                how = "a password that is known" if password else "no password"
                inspection.tell("encrypted-document", f"The document is encrypted and opens with {how}.")
                return reader
        except (ValueError, LookupError, TypeError, AttributeError, NotImplementedError, pypdf.errors.PyPdfError):
            continue
    inspection.lock()
    return None


def candidates(passwords: Sequence[str]) -> list[str]:
    """The customer's first: with none the pages may open and the attachments stay closed."""
    return list(dict.fromkeys((*(word[:LONGEST_PASSWORD] for word in passwords), "", *STANDARD, "password")))


def _objects(inspection: Inspection, reader: pypdf.PdfReader) -> Iterator[tuple[int, PdfObject]]:
    yield 0, reader.trailer
    known = [(number, generation) for generation, listed in reader.xref.items() for number in listed]
    known += [(number, 0) for number in reader.xref_objStm]
    for number, generation in dict.fromkeys(known[:OBJECTS]):
        found = _object(inspection, reader, IndirectObject(number, generation, reader))
        if found is not None:
            yield number, found
    if len(known) > OBJECTS:
        inspection.node.cut_short("objects", f"Only the first {OBJECTS:,} objects were looked at.")


def _object(inspection: Inspection, reader: pypdf.PdfReader, reference: IndirectObject) -> PdfObject | None:
    try:
        return reader.get_object(reference)
    except LimitReachedError:
        inspection.node.cut_short("document-bytes", "Not all of it was read: it unpacks to too much.")
    except Exception:
        # One object is broken, and the library raises anything; readers of PDF pass over it too.
        return None
    return None
