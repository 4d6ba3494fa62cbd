from dataclasses import dataclass
from importlib.metadata import version

from fastapi import FastAPI

from caseway_kit.app import build_api
from profiles.directory import Directory
from profiles.directory_api import account_routes, operator_routes
from profiles.once import Once
from profiles.product_profiles import ProductProfiles
from profiles.profiles_api import profile_routes
from profiles.session_api import session_routes
from profiles.sign_in import SignIn
from profiles.signing_keys import SigningKeys

PREFIX = "/api/v1"
TITLE, VERSION = "Caseway profiles", version("caseway-profiles")


@dataclass(frozen=True)
class UseCases:
    sign_in: SignIn
    keys: SigningKeys
    directory: Directory
    profiles: ProductProfiles
    once: Once


def build_routes(use_cases: UseCases) -> FastAPI:
    api = build_api(title=TITLE, version=VERSION)
    for routes in (
        session_routes(use_cases.sign_in, use_cases.keys),
        operator_routes(use_cases.directory, use_cases.once),
        account_routes(use_cases.directory),
        profile_routes(use_cases.profiles, use_cases.once),
    ):
        api.include_router(routes, prefix=PREFIX)
    return api
