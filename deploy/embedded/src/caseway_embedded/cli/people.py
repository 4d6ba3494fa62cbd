"""Commands for signing in, and an operator's commands for accounts and users."""

import os
from typing import Annotated

import httpx
import typer

from caseway_embedded.cli import session as sessions
from caseway_embedded.cli.client import Api, explained, show

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def register(app: typer.Typer) -> None:
    app.command()(login)
    for name, command in (("account", add_account), ("user", add_user), ("activation-code", add_code)):
        group = typer.Typer(no_args_is_help=True, help=f"An operator's commands: {name}s.")
        group.command("add")(command)
        group.callback()(_group)
        app.add_typer(group, name=name)


def _group() -> None:
    return


def login(
    email: Annotated[str, typer.Option(help="Who signs in.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Asked for when left out.")],
    url: Annotated[str | None, typer.Option(help="Address of the system.")] = None,
) -> None:
    """Sign in and keep the token for the commands that follow. CASEWAY_URL and CASEWAY_TOKEN override it."""
    with explained():
        address = url or os.environ.get("CASEWAY_URL") or sessions.load().url
        try:
            session = sessions.sign_in(address.rstrip("/"), email, password)
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.UNAUTHORIZED:
                typer.echo("E-mail and password do not fit.", err=True)
                raise typer.Exit(1) from None
            raise
    typer.echo(f"Signed in as {session.email} at {session.url}.")


def add_account(name: Annotated[str, typer.Argument(help="The customer's name.")], as_json: AsJson = False) -> None:
    """Open an account."""
    account = Api().post("/accounts", {"name": name})
    show(account) if as_json else typer.echo(account["id"])


def add_user(
    account: Annotated[str, typer.Option(help="Id of the account.")],
    email: Annotated[str, typer.Option(help="E-mail address, which is also the sign-in name.")],
    role: Annotated[str, typer.Option(help="customer, account_admin, analyst, operator or auditor.")] = "customer",
    name: Annotated[str, typer.Option(help="How to call them.")] = "",
    team: Annotated[list[str] | None, typer.Option(help="A team that an analyst is a member of.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a user; the password that is made is printed once."""
    body = {"account_id": account, "email": email, "role": role, "name": name, "teams": team or []}
    user = Api().post("/users", body)
    show(user) if as_json else typer.echo(f"{user['id']}  {user['email']}  {user['password']}")


def add_code(
    account: Annotated[str, typer.Option(help="Id of the account.")],
    product: Annotated[str, typer.Option(help="Slug of the product in the catalogue.")],
    code: Annotated[str, typer.Option(help="The activation code.")],
    as_json: AsJson = False,
) -> None:
    """Register an activation code for an account's product."""
    registered = Api().post("/activation-codes", {"account_id": account, "product": product, "code": code})
    show(registered) if as_json else typer.echo(registered["id"])
