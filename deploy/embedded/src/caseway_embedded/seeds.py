"""What a system is given once all its services are ready, before ``caseway up`` says so.

A step must be safe to run at every start: users stand with ``--no-demo`` too, profiles and example
cases only without it. What it keeps (``users.json``, say) goes into the data folder.
"""

from collections.abc import Awaitable, Callable

from caseway_embedded.data_dir import DataDir
from caseway_embedded.demo.cases import seed_cases
from caseway_embedded.demo.sign_in import seed_session
from caseway_embedded.demo.users import seed_users

Seed = Callable[[DataDir, str, bool], Awaitable[None]]

SEEDS: tuple[Seed, ...] = (seed_users, seed_session, seed_cases)
