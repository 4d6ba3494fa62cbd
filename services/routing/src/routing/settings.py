from caseway_kit.settings import ApiSettings, service_settings


class Settings(ApiSettings):
    model_config = service_settings("ROUTING_")
