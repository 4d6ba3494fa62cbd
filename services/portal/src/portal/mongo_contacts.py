from caseway_kit.contacts import MongoContactRepository

__all__ = ["MongoContactRepository"]
