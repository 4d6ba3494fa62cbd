import re
from pathlib import Path

LONGEST_MODULE = 400

# Put together here, so that this file does not hold what it looks for.
HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "repo.maven" + ".apache.org",
    "repo1.maven" + ".org",
    "registry.npm" + "js.org",
    "proxy.golang" + ".org",
]
FOLDERS = ["/work" + "/main", "/work" + "/shared", "/work" + "/.library", "/tmp" + "/brief"]
MACHINE = re.compile("|".join(map(re.escape, HOSTS + FOLDERS)).encode())


def test_every_module_is_short_enough_to_be_read_at_once(tracked: list[Path], root: Path) -> None:
    lines = {
        str(file.relative_to(root)): len(file.read_text(encoding="utf-8").splitlines())
        for file in tracked
        if file.suffix == ".py"
    }

    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine(tracked: list[Path], root: Path) -> None:
    found = {
        str(file.relative_to(root)): match[0].decode()
        for file in tracked
        if (match := MACHINE.search(file.read_bytes())) is not None
    }

    assert found == {}
