from caseway_embedded.cli import session
from caseway_embedded.data_dir import DataDir
from caseway_embedded.demo.users import USERS_FILE


async def seed_session(data: DataDir, url: str, _demo: bool) -> None:
    """Sign the demo customer in for the commands that follow, as whoever starts the system expects."""
    customer = data.read_json(USERS_FILE)["customer"]
    session.sign_in(url, customer["email"], customer["password"], str(data / USERS_FILE))
