"""The digests and distances below are those of the reference implementation (py-tlsh 5.0.0)."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from caseway_kit.sandbox import Sandbox
from caseway_kit.testing.corpora import corpora as find_corpora
from sample_analysis.engines.tlsh import Tlsh, distance

Content = Callable[[str, int], bytes]
Digest = Callable[..., str | None]

DIGESTS = {
    ("random", 50): "T18A900270D3804196F4421093169900D0192C40A23541114549D02112869364AC196242",
    ("random", 656): "T1F1F023215A90E95D2087AA8BC61D1107C6294192A95A674AA133785B982AF3A2496960",
    ("random", 657): "T1C90183C0AB737C293A22C04664438329DD9C690A80E3ADB96226440B242C8A78D26893",
    ("random", 3_199): "T1E6615B7204331630E4D7FA289077130DAE5A95745EDA120FAEC1EF7CD05B066011A37E",
    ("random", 3_200): "T139615B85F4C5164C8AB502613197BAAC7553777F238A0D8B0F8AC6614526EFAD30E7F8",
    ("random", 65_540): "T1865302E02E795B90FE919D1D7020D77BC8E28F16BC41B30BD29F12AECC42B096B9515E",
    ("random", 70_656): "T1E0630255C9DA9CC5FAF079885DB17AFFD0731AA1E220F9C877072147BDBBA462282431",
    ("random", 1_000_000): "T1AC2533E9236D479237716159CB89C2323673F10C9F962CD7FDF361A62A40DA824F4A63",
    ("text", 128): "T152B09248200D014A7CCB0480B3AFE2B683CDD110A6433092E8FBA20108C2C320CF6812",
    ("text", 10_000): "T17A22F39E352C06A7ADCF1C84B76EA2FFC38CE124A3123465E5F7A011458A8754DFD8A7",
    ("text", 300_000): "T17454F49E352C06A7ADCF1C84B76EE3FFC38CE114A7123465E5F7A001058A8B55DED8A6",
    ("table", 5_000): "T1E5A1BC8C2ACC27DC1D3C72B639B6565B4AC3CB5A0A4171DFC3617B613323157EA6295C",
    ("table", 200_001): "T1DF14205CBE8C1BDD2D69B2AB3031055B17D71B2E1E22718FC738AB7237331257A66858",
    ("padded", 4_096): "T1A2811A4264CDC61AC73648F8851EDF50BC752D25AC0E07E13D6BA0AE7778A84314C7E5",
    ("padded", 150_000): "T1CAE30210D3C92133EC7E5FB57F762D634A42DF019264065729B20626BEB658C1C875BB",
    ("padded", 1_000_000): "T1B72523688D9B5FFED6A6B8FC956CD9AFE523C8344105175999A02F12CCDABB7D302C00",
    ("program", 60): "T167A0026215A521A8C1A3C5F31393E163D5833C200028E01911B844C35501B262F7BD02",
    ("program", 2_000): "T1DA41F9735F22A4F5C442E77B229BD073C0A57B095C79BC1A24A664D60763C374B7E80A",
    ("program", 90_000): "T131939DA32B32A4F9C452B777529AD073C4927B485C78AC4A3475B5871B239368BFEC07",
}
WORDS = [
    b"the",
    b"quick",
    b"brown",
    b"fox",
    b"jumps",
    b"over",
    b"a",
    b"lazy",
    b"dog",
    b"invoice",
    b"payment",
    b"account",
]


@pytest.fixture
def make_content() -> Content:
    def make(kind: str, size: int) -> bytes:
        source = random.Random(f"{kind}/{size}")
        match kind:
            case "random":
                return source.randbytes(size)
            case "text":
                return b" ".join(source.choices(WORDS, k=size))[:size]
            case "table":
                return b"".join(b"%d;%d\r\n" % (row, source.randrange(1000)) for row in range(size))[:size]
            case "padded":
                return source.randbytes(size // 2) + bytes(size - size // 2)
        return b"MZ" + bytes(source.choices(b"\x00\x00\xff\x8b\x48\x89\xe8", k=size - 2))

    return make


@pytest.fixture
def digest() -> Digest:
    def digest(*chunks: bytes) -> str | None:
        tlsh = Tlsh()
        for chunk in chunks:
            tlsh.update(chunk)
        return tlsh.hexdigest()

    return digest


@pytest.mark.parametrize(("kind", "size"), DIGESTS)
def test_digest_is_that_of_the_reference(make_content: Content, digest: Digest, kind: str, size: int) -> None:
    assert digest(make_content(kind, size)) == DIGESTS[kind, size]


def test_corpus_of_the_reference_has_its_digests(digest: Digest) -> None:
    folder = find_corpora("tlsh")
    lines = (folder / "EXPECTED-tlsh.txt").read_text().splitlines()
    expected = {Path(name).name: said for said, name in (line.split("\t") for line in lines)}
    assert {name: digest((folder / name).read_bytes()) for name in expected} == expected
    assert len(expected) == 42


@pytest.mark.parametrize("size", [1, 3, 4, 5, 6, 63, 65_535, 65_537])
def test_digest_does_not_depend_on_how_the_bytes_were_cut(make_content: Content, digest: Digest, size: int) -> None:
    kind, total = ("program", 2_000) if size < 64 else ("table", 200_001)
    data = make_content(kind, total)
    chunks = [data[start : start + size] for start in range(0, total, size)]
    assert digest(b"", *chunks, b"") == DIGESTS[kind, total]


def test_asking_for_the_digest_changes_nothing(make_content: Content) -> None:
    data = make_content("text", 10_000)
    tlsh = Tlsh()
    tlsh.update(data[:3_000])
    assert tlsh.hexdigest() == tlsh.hexdigest()
    tlsh.update(data[3_000:])
    assert tlsh.hexdigest() == DIGESTS["text", 10_000]


@pytest.mark.parametrize("data", [b"", b"MZ", bytes(range(49)), bytes(1_000_000), b"ab" * 5_000, bytes(30) * 4])
def test_what_is_too_short_or_too_uniform_has_no_digest(digest: Digest, data: bytes) -> None:
    assert digest(data) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("random", 656), ("random", 656), 0),
        (("random", 656), ("random", 657), 232),
        (("text", 128), ("text", 10_000), 414),
        (("text", 10_000), ("text", 300_000), 432),
        (("program", 2_000), ("program", 90_000), 587),
        (("padded", 4_096), ("text", 128), 593),
        (("program", 90_000), ("random", 1_000_000), 602),
        (("table", 5_000), ("table", 200_001), 652),
        (("random", 50), ("random", 1_000_000), 1111),
    ],
)
def test_distance_is_that_of_the_reference(one: tuple[str, int], other: tuple[str, int], expected: int) -> None:
    assert distance(DIGESTS[one], DIGESTS[other]) == expected
    assert distance(DIGESTS[other].lower().replace("t1", "T1"), DIGESTS[one].removeprefix("T1")) == expected


def test_variant_of_a_file_is_near_it(make_content: Content, digest: Digest) -> None:
    data = make_content("program", 90_000)
    variant = digest(data[:40_000] + b"another address" + data[40_015:])
    assert variant is not None
    assert 0 < distance(variant, DIGESTS["program", 90_000]) < 30


@pytest.mark.parametrize("text", ["", "T1", "T1" + "0" * 69, "T2" + "0" * 70, "T1" + "G" * 70, "T1" + "0" * 70 + "\n"])
def test_distance_refuses_what_is_no_digest(text: str) -> None:
    with pytest.raises(ValueError, match="no TLSH digest"):
        distance(text, DIGESTS["random", 50])


def test_import_starts_no_threads() -> None:
    code = "import os, sample_analysis.engines.tlsh; print(len(os.listdir('/proc/self/task')))"
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "1\n"


async def test_locked_down_child_finds_the_same_digest(make_content: Content, open_folder: Path) -> None:
    sample = open_folder / "sample"
    sample.write_bytes(make_content("random", 70_656))
    async with Sandbox(workers=1, scratch=open_folder, preload=["sample_analysis.engines.warm"]) as sandbox:
        report = await sandbox.run(
            "sample_analysis.engines.files:analyze", "evidence", "x.bin", "file", [], {}, sample=sample
        )
    assert report["files"][0]["tlsh"] == DIGESTS["random", 70_656]
