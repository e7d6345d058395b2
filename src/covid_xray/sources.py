"""What source code an output depends on: the code that a function can reach in this package."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from covid_xray.records import Record, digest, versions

PACKAGE_FOLDER = Path(__file__).parent
# Libraries whose versions may change a number, by the name under which they are imported.
LIBRARIES = {
    "cv2": "opencv-python-headless",
    "keras": "keras",
    "numpy": "numpy",
    "scipy": "scipy",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "statsmodels": "statsmodels",
    "tensorflow": "tensorflow",
}


@dataclass(frozen=True)
class _Module:
    """A module's source, parsed, and the names of modules, ours and others', that it imports."""

    source: bytes
    tree: ast.Module
    imports: frozenset[str]


@cache
def source_digest(*modules: str) -> str:
    """A fingerprint of some modules and of all that they import inside the package.

    Imports inside functions count as well.

    Args:
        *modules: dotted names of modules of this package.
    """
    reached = _reached(modules)
    return digest(*(name.encode() + reached[name].source for name in sorted(reached)))


def code_record(function: Callable[..., Any]) -> Record:
    """The code that a function can reach in this package, and the versions that may matter to it.

    Of the function's own module only those definitions count that it uses; of the modules that
    these import, the whole, and so on. Comments outside functions and docstrings count like code.

    Args:
        function: a function of a module of this package, or a method bound to an object whose
            `repr` tells what it holds.

    Returns:
        `sources`, a fingerprint, and `versions.<library>` of each library that is reached.
    """
    function = inspect.unwrap(function)
    owner = getattr(function, "__self__", None)
    own, modules = _used_parts(function.__module__, function.__qualname__)
    reached = _reached(sorted(modules))
    imported = {name for module in reached.values() for name in module.imports} | modules
    libraries = {LIBRARIES[name] for name in imported if name in LIBRARIES}
    # Keras computes with the backend that is installed with it.
    libraries |= {"tensorflow"} if "keras" in libraries else set()
    sources = digest(own.encode(), repr(owner).encode(), source_digest(*sorted(reached)).encode())
    return {"sources": sources} | {
        f"versions.{name}": version for name, version in versions(*sorted(libraries)).items()
    }


def _reached(modules: Iterable[str]) -> dict[str, _Module]:
    reached: dict[str, _Module] = {}
    waiting = [name for name in modules if _file_of(name)]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = _read_module(name, _modified(name))
            waiting += [other for other in reached[name].imports if _file_of(other)]
    return reached


def _file_of(module: str) -> Path | None:
    """The file of a module of this package; None for any other name."""
    package, *parts = module.split(".")
    if package != PACKAGE_FOLDER.name:
        return None
    path = PACKAGE_FOLDER.joinpath(*parts)
    files = (path / "__init__.py", path.parent / f"{path.name}.py")
    return next((file for file in files if file.is_file()), None)


def _modified(module: str) -> int:
    file = _file_of(module)
    assert file is not None, module
    return file.stat().st_mtime_ns


@cache
def _read_module(name: str, modified: int) -> _Module:
    file = _file_of(name)
    assert file is not None, name
    source = file.read_bytes()
    tree = ast.parse(source)
    return _Module(source, tree, frozenset(_imports(tree)))


def _imports(tree: ast.AST) -> Iterator[str]:
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for modules in _bound_by(statement).values():
                yield from modules


def _bound_by(statement: ast.Import | ast.ImportFrom) -> dict[str, list[str]]:
    """Modules by the names that an import statement binds: ours in full, others' top names."""
    if isinstance(statement, ast.Import):
        names = {name.asname or name.name.split(".")[0]: [name.name] for name in statement.names}
    else:
        module = statement.module or ""
        # A name may be a module of the package that it is imported from.
        names = {
            name.asname or name.name: [module, f"{module}.{name.name}"] for name in statement.names
        }
    return {
        bound: [m if _file_of(m) else m.split(".")[0] for m in modules]
        for bound, modules in names.items()
    }


def _used_parts(module: str, qualname: str) -> tuple[str, set[str]]:
    """The definitions of a module that one of them uses, as text; and the modules they import."""
    if _file_of(module) is None:
        raise ValueError(f"{module}.{qualname} is no function of {PACKAGE_FOLDER.name}.")
    definitions, imports = _definitions(_read_module(module, _modified(module)).tree)
    outer, _, inner = qualname.rpartition(".")
    methods = _definitions(definitions[outer])[0] if outer in definitions else {}
    known = definitions | methods
    used: dict[str, str] = {}
    modules: set[str] = set()
    waiting = [inner]
    while waiting:
        name = waiting.pop()
        if name in imports:
            modules.update(imports[name])
        if name in known and name not in used:
            used[name] = ast.unparse(known[name])
            modules.update(_imports(known[name]))
            waiting += _names_in(known[name])
    return "\n".join(used[name] for name in sorted(used)), modules


def _names_in(tree: ast.AST) -> Iterator[str]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _definitions(tree: ast.AST) -> tuple[dict[str, ast.AST], dict[str, list[str]]]:
    """What a module or class defines at its top, and the modules it imports, by name."""
    definitions: dict[str, ast.AST] = {}
    imports: dict[str, list[str]] = {}
    for statement in getattr(tree, "body", []):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            definitions[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            definitions |= {name: statement for target in targets for name in _names_in(target)}
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            imports |= _bound_by(statement)
    return definitions, imports
