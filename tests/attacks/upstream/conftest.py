from tests.authority.test_execute import desk, service

__all__ = ["desk", "service"]
