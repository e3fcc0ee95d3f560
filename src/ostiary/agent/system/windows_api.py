"""What only Windows itself can be asked: where its programs lie, who runs this, and who may do what with a file.

Source: Microsoft, Win32 API: GetSystemDirectoryW, GetOEMCP, OpenProcessToken, GetTokenInformation, GetNamedSecurityInfoW,
ConvertSecurityDescriptorToStringSecurityDescriptorW. `ctypes` is loaded where it is needed only: on Linux it may want memory that is
written and run, which the agent's service must not have.
"""

import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

_TOKEN_QUERY: Final = 0x0008
_TOKEN_USER: Final = 1
_FILE_OBJECT: Final = 1
_OWNER_AND_DACL: Final = 0x1 | 0x4
_REVISION: Final = 1
_LONGEST_PATH: Final = 32767


@cache
def system_folder() -> str:
    r"""Return the folder of Windows' own programs, as `C:\Windows\System32`, whatever the environment says."""
    import ctypes  # noqa: PLC0415 - see above

    kernel = _library("kernel32")
    buffer = ctypes.create_unicode_buffer(_LONGEST_PATH)
    if not kernel.GetSystemDirectoryW(buffer, _LONGEST_PATH):
        raise OSError("Windows does not say where its programs lie")
    return buffer.value


@cache
def oem_encoding() -> str:
    """Return the encoding in which Windows' own programs print, as Python names it."""
    return f"cp{_library('kernel32').GetOEMCP()}"


@cache
def own_sid() -> str:
    """Return the security identifier of who runs this, as `S-1-5-21-…-1001`. Raises `OSError`."""
    import ctypes  # noqa: PLC0415

    kernel, advapi = _library("kernel32"), _library("advapi32")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    advapi.OpenProcessToken.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_void_p)]
    advapi.GetTokenInformation.argtypes = [
        ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32),
    ]  # fmt: skip
    advapi.ConvertSidToStringSidW.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
    token, size, text = ctypes.c_void_p(), ctypes.c_uint32(), ctypes.c_void_p()
    _require(advapi.OpenProcessToken(kernel.GetCurrentProcess(), _TOKEN_QUERY, ctypes.byref(token)))
    try:
        advapi.GetTokenInformation(token, _TOKEN_USER, None, 0, ctypes.byref(size))
        user = ctypes.create_string_buffer(max(size.value, ctypes.sizeof(ctypes.c_void_p)))
        _require(advapi.GetTokenInformation(token, _TOKEN_USER, user, size, ctypes.byref(size)))
        sid = ctypes.c_void_p.from_buffer(user)
        _require(advapi.ConvertSidToStringSidW(sid, ctypes.byref(text)))
    finally:
        kernel.CloseHandle(token)
    return _taken(text)


def sddl_of(path: Path) -> str:
    """Return who owns a file or folder and who may do what with it, in the security descriptor definition language.

    Raises:
        OSError: when Windows does not say.
    """
    import ctypes  # noqa: PLC0415

    advapi = _library("advapi32")
    pointer = ctypes.POINTER(ctypes.c_void_p)
    advapi.GetNamedSecurityInfoW.argtypes = [
        ctypes.c_wchar_p, ctypes.c_int, ctypes.c_uint32, pointer, pointer, pointer, pointer, pointer,
    ]  # fmt: skip
    advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, pointer, ctypes.c_void_p,
    ]  # fmt: skip
    descriptor, text = ctypes.c_void_p(), ctypes.c_void_p()
    refused = advapi.GetNamedSecurityInfoW(
        str(path), _FILE_OBJECT, _OWNER_AND_DACL, None, None, None, None, ctypes.byref(descriptor)
    )
    if refused:
        raise OSError(refused, f"Windows does not say who may use it ({refused})", str(path))
    try:
        _require(
            advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW(
                descriptor, _REVISION, _OWNER_AND_DACL, ctypes.byref(text), None
            )
        )
    finally:
        _free(descriptor)
    return _taken(text)


def _library(name: str) -> Any:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415

        return ctypes.WinDLL(name, use_last_error=True)
    raise OSError(f"there is no {name} on this system")


def _require(done: int) -> None:
    if not done:
        raise OSError("Windows does not say who runs this, or who may use what")


def _taken(text: Any) -> str:
    import ctypes  # noqa: PLC0415

    try:
        return ctypes.wstring_at(text.value or 0)
    finally:
        _free(text)


def _free(memory: Any) -> None:
    import ctypes  # noqa: PLC0415

    kernel = _library("kernel32")
    kernel.LocalFree.argtypes = [ctypes.c_void_p]
    kernel.LocalFree.restype = ctypes.c_void_p
    kernel.LocalFree(memory)
