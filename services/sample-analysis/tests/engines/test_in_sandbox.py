from pathlib import Path

from caseway_kit.archives import protected_zip
from caseway_kit.sandbox import Sandbox


async def test_engines_work_where_there_is_nothing_but_one_descriptor(open_folder: Path, eicar: bytes) -> None:
    sample = open_folder / "sample"
    large = b"x" * (9 * 1024 * 1024)
    sample.write_bytes(protected_zip({"eicar.com": eicar, "large.bin": large}, "geheim"))
    room = open_folder / "sandbox"
    room.mkdir(mode=0o755)
    async with Sandbox(workers=1, scratch=room, preload=["sample_analysis.engines.warm"]) as sandbox:
        report = await sandbox.run(
            "sample_analysis.engines.files:analyze", "evidence", "x.zip", "file", ["geheim"], {}, sample=sample
        )
        facts = await sandbox.run("caseway_kit.peek:peek", "x.zip", ["geheim"], sample=sample)
    assert [(file["name"], file["verdict"]) for file in report["files"]] == [
        ("x.zip", "malicious"),
        ("eicar.com", "malicious"),
        ("large.bin", "unknown"),
    ]
    assert (facts["state"], facts["opened_by"]) == ("open", "customer")
