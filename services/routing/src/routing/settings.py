from caseway_kit.settings import SharedSettings, service_settings


class Settings(SharedSettings):
    model_config = service_settings("ROUTING_")
