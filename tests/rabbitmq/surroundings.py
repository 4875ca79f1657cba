"""What several platforms share in the tests and measurements of them."""
import importlib.util
import os

KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"  # MILLRACE_KEY


def postgresql():
    """A server of tests/postgresql/server.py: a module of the same name as that of RabbitMQ."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../postgresql/server.py")
    spec = importlib.util.spec_from_file_location("postgresql_server", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Postgresql()
