from datetime import timedelta

from portal_fakes import OPENED, InMemoryContactRepository, Make

from caseway_contracts.profiles import ContactDisabled, ContactSaved
from portal.contacts import ContactRepository, DisabledContacts


async def test_what_was_stated_last_about_a_contact_counts(contacts: ContactRepository) -> None:
    later = OPENED + timedelta(seconds=1)
    await contacts.save("c1", disabled=True, at=OPENED)
    await contacts.save("c2", disabled=True, at=OPENED)
    await contacts.save("c3", disabled=False, at=OPENED)
    await contacts.save("c2", disabled=False, at=later)
    await contacts.save("c2", disabled=True, at=OPENED)
    assert await contacts.disabled() == {"c1"}


async def test_a_disabled_contact_is_out_until_it_is_saved_again(
    memory_contacts: InMemoryContactRepository, make_event: Make
) -> None:
    disabled, elsewhere = DisabledContacts(memory_contacts), DisabledContacts(memory_contacts)
    await disabled.take([make_event(ContactDisabled, "c1")])
    assert "c1" in disabled
    assert "c1" not in elsewhere
    await elsewhere.refresh()
    assert "c1" in elsewhere
    await disabled.take([make_event(ContactSaved, "c1", revision=2, role="customer")])
    assert "c1" not in disabled
