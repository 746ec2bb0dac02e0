"""The house's rules, each a function from one source file to what breaks it there.

Nothing here knows which files are allowed what: the tests beside it say so, with their reasons.
"""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "anima"


@dataclass(frozen=True)
class Source:
    """One file: its path below the repository, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)} {what}"


Rule = Callable[[Source], Iterator[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def committed(*suffixes: str) -> list[Source]:
    """Every text file of the repository that is (or may be) committed; without git, every file that is not hidden."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not any(part[0] in "._" for part in path.relative_to(ROOT).parts)]
    chosen = sorted(path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes))
    return [source for path in chosen if (source := _read(path))]


def package() -> list[Source]:
    """Every module of the package."""
    return [source for path in sorted(PACKAGE.rglob("*.py")) if (source := _read(path))]


def broken(rule: Rule, sources: list[Source], allowed: dict[str, str] | None = None) -> list[str]:
    """What breaks a rule; `allowed` names files (or folders) that do and may, each with its reason."""
    found = {source.path: list(rule(source)) for source in sources}
    for place, reason in (allowed or {}).items():
        excused = {path: done for path, done in found.items() if f"{path}/".startswith(f"src/anima/{place}/")}
        assert reason, f"{place} is allowed without a reason"
        assert any(excused.values()), f"{place} is allowed what it does not do"
        found = {path: done for path, done in found.items() if path not in excused}
    return [each for several in found.values() for each in several]


def _read(path: Path) -> Source | None:
    try:
        return Source(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return None


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Every import, by the full name of the module it takes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call, by the words before its brackets."""
    return ((node, ast.unparse(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call))


def long_file(source: Source) -> Iterator[str]:
    if (lines := source.text.count("\n")) > 400:
        yield f"{source.path} has {lines} lines (400)"


def long_function(source: Source) -> Iterator[str]:
    for node in _functions(source.tree):
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > 60:
            yield source.at(node, f"{node.name} has {lines} lines (60)")


def many_parameters(source: Source) -> Iterator[str]:
    """More than six; click hands a command its options by name, so `**words` is one."""
    for node in _functions(source.tree):
        given = node.args
        names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        if (count := len([name for name in names if name not in ("self", "cls")])) > 6:
            yield source.at(node, f"{node.name} has {count} parameters (6)")


def many_methods(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef):
            count = sum(isinstance(each, Function) for each in node.body)
            if count > 20:
                yield source.at(node, f"{node.name} has {count} methods (20)")


def no_docstring(source: Source) -> Iterator[str]:
    if not ast.get_docstring(source.tree):
        yield f"{source.path} does not say what it is"


def left_over(source: Source) -> Iterator[str]:
    """Banners, and work put off."""
    for n, line in enumerate(source.text.splitlines(), 1):
        if re.search(r"#\s*(?:[-=#*]{3,}|TODO|FIXME|XXX)", line):
            yield f"{source.path}:{n} is a banner, or work put off"


def broad_except(source: Source) -> Iterator[str]:
    """One that takes every exception and does not raise it again."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            taken = {ast.unparse(each) for each in ast.walk(node.type)} if node.type else {"Exception"}
            last = node.body[-1]
            if taken & {"Exception", "BaseException"} and not (isinstance(last, ast.Raise) and last.exc is None):
                yield source.at(node, "takes every exception")


def own_time_or_chance(source: Source) -> Iterator[str]:
    for node, name in _imports(source.tree):
        if name.split(".")[0] in {"time", "random", "secrets", "uuid"}:
            yield source.at(node, f"imports {name}: take a Clock")
    for call, name in _calls(source.tree):
        if re.search(r"(?:^|\.)(?:datetime\.(?:now|utcnow|today)|date\.today|os\.urandom)$", name):
            yield source.at(call, f"calls {name}: take a Clock")


_CHANGES = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
)


def module_state(source: Source) -> Iterator[str]:
    """A `global`, or a dict, list or set of the module that something changes."""
    kept = set(_containers(source.tree))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Global):
            yield source.at(node, "has a global statement")
        elif changed := _changed(node) & kept:
            yield source.at(node, f"changes {changed.pop()}, which the module keeps")


def _containers(tree: ast.Module) -> Iterator[str]:
    displays = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp, ast.Call)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, displays):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _changed(node: ast.AST) -> set[str]:
    """The names whose contents this node changes."""
    places: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        places = [each.value for each in node.targets if isinstance(each, ast.Subscript)]
    elif isinstance(node, ast.AugAssign):
        places = [node.target.value if isinstance(node.target, ast.Subscript) else node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
        places = [node.func.value]
    return {place.id for place in places if isinstance(place, ast.Name)}


def hidden_import(source: Source) -> Iterator[str]:
    """An import inside a function."""
    for function in _functions(source.tree):
        for node, name in _imports(function):
            yield source.at(node, f"imports {name} inside {function.name}")


def import_by_name(source: Source) -> Iterator[str]:
    for node, name in _calls(source.tree):
        if name.split(".")[-1] in {"import_module", "__import__", "module_from_spec"}:
            yield source.at(node, f"loads a module by name ({name})")


_SQL = re.compile(
    r"\s*(?:SELECT\s|INSERT\s+(?:OR\s+\w+\s+)?INTO\s|REPLACE\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|PRAGMA\s"
    r"|(?:CREATE|DROP|ALTER)\s+(?:UNIQUE\s+|VIRTUAL\s+)?(?:TABLE|INDEX|TRIGGER|VIEW)\s|WITH\s+\w+\s+AS\s*\()",
)


def speaks_sql(source: Source) -> Iterator[str]:
    for node, name in _imports(source.tree):
        if name.split(".")[0] in {"sqlite3", "apsw", "psycopg"}:
            yield source.at(node, f"imports {name}")
    for each in ast.walk(source.tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and _SQL.match(each.value):
            yield source.at(each, "holds SQL")


def built_sql(source: Source) -> Iterator[str]:
    """SQL put together from values instead of taking parameters."""
    for node in ast.walk(source.tree):
        match node:
            case ast.JoinedStr(values=[ast.Constant(value=str(first)), _, *_]) if _SQL.match(first):
                yield source.at(node, "puts SQL together")
            case ast.BinOp(left=ast.Constant(value=str(first)), op=ast.Mod()) if _SQL.match(first):
                yield source.at(node, "puts SQL together")
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(first)), attr="format")) if _SQL.match(first):
                yield source.at(node, "puts SQL together")


def revives_objects(source: Source) -> Iterator[str]:
    """Data that could become code."""
    for node, name in _imports(source.tree):
        if name.split(".")[0] in {"pickle", "marshal", "shelve", "dill", "cloudpickle"}:
            yield source.at(node, f"imports {name}")
    for call, name in _calls(source.tree):
        if name in {"eval", "exec", "builtins.eval", "builtins.exec", "yaml.load", "os.system", "os.popen"}:
            yield source.at(call, f"calls {name}")


def reaches_out(source: Source) -> Iterator[str]:
    """A way to the network; all of them must pass the guard."""
    ways = (
        "httpx2",
        "httpx",
        "requests",
        "aiohttp",
        "urllib.request",
        "urllib3",
        "http.client",
        "ftplib",
        "websockets",
    )
    for node, name in _imports(source.tree):
        if any(f"{name}.".startswith(f"{way}.") for way in ways):
            yield source.at(node, f"imports {name}")


_POOR = "core|utils?|common|services?|managers?|bus|engine|internals?|helpers?|handlers?|misc"
_POOR_FILE = re.compile(rf"(?:.*_)?(?:{_POOR})(?:_.*)?|(?:new|old|legacy)_.*|.*_(?:v\d+|new|old)")
_POOR_CLASS = re.compile(
    rf"_?(?:\w*(?:{'|'.join(word.title() for word in _POOR.split('|'))})|Legacy\w*|Old[A-Z]\w*|\w+V\d+)"
)


def poor_name(source: Source) -> Iterator[str]:
    """A room, file or class whose name does not say what it is."""
    path = Path(source.path)
    for part in (*path.parent.parts, path.stem):
        if _POOR_FILE.fullmatch(part):
            yield f"{source.path}: {part} says nothing"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and _POOR_CLASS.fullmatch(node.name):
            yield source.at(node, f"{node.name} says nothing")
