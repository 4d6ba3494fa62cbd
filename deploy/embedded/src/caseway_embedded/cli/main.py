"""``caseway``: the system on this machine, and everything that the portal can do, from a shell.

A group of commands is a module beside this one with a ``register(app)``; it is added to ``GROUPS``.
Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 input refused, 5 waited too long.
"""

import typer

from caseway_embedded.cli import (
    bench,
    cases,
    engines,
    legacy,
    operations,
    overrides,
    people,
    ratings,
    reanalysis,
    reclassifications,
    stack,
)

GROUPS = (stack, people, cases, ratings, overrides, reclassifications, legacy, operations, reanalysis, engines, bench)

app = typer.Typer(
    name="caseway",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run Caseway on this machine and work with its cases.\n\n"
    "Start with `caseway up`: it brings up the whole system and prints where to find it.",
)


@app.callback()
def caseway() -> None:
    return


for group in GROUPS:
    group.register(app)


if __name__ == "__main__":
    app()
