"""What is right and wrong with this machine, and the one command that mends it."""

from .examining import examine
from .house import port_is_free

__all__ = ["examine", "port_is_free"]
