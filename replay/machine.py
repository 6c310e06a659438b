"""What of the machine a run records: floats beyond the promised operations may depend on it."""

import platform


def platform_tag() -> str:
    """Operating system, machine and C library, as RUN_START states them."""
    library, version = platform.libc_ver()
    return "-".join(part for part in (platform.system().lower(), platform.machine(), library, version) if part)
