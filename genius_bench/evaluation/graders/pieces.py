"""What a piece of Python defines, uses and changes."""

import ast
import builtins
import symtable
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

DAMAGE = (SyntaxError, ValueError, RecursionError, MemoryError)
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
EFFECTS = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)


@dataclass(frozen=True)
class Block:
    """A piece of text that may be Python."""

    text: str

    @cached_property
    def parsed(self) -> ast.Module | int:
        """Its syntax tree, or the line (from 1) at which it is no longer Python."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.text)
        except DAMAGE as error:
            return getattr(error, "lineno", None) or 1

    @property
    def statements(self) -> list[ast.stmt]:
        return [] if isinstance(self.parsed, int) else self.parsed.body

    @cached_property
    def names(self) -> tuple[frozenset[str], frozenset[str]]:
        """What its top level defines (by whatever statement), and what it uses without defining it."""
        try:
            top = symtable.symtable(self.text, "answer", "exec")
        except DAMAGE:
            return frozenset(), frozenset()
        symbols = top.get_symbols()
        defined = {one.get_name() for one in symbols if one.is_assigned()} - self.changed
        defined |= {one.get_name() for one in symbols if one.is_imported()} - self.strange_imports
        used = _globals_used(top) - set(dir(builtins)) | self.changed
        return frozenset(defined), frozenset(used - defined)

    @cached_property
    def changed(self) -> set[str]:
        """What its top level changes and has not defined: `T.append(1)`, `T[0] = 1`, `T += [1]`, `T = sorted(T)`."""
        found: set[str] = set()
        bound: set[str] = set()
        for statement in self.statements:
            changed, stored = _changed_and_stored(statement)
            bound |= stored
            found |= changed - bound
        return found

    @cached_property
    def strange_imports(self) -> set[str]:
        """What it imports by name from modules that are not Python's: an answer's own, in most cases."""
        return {
            alias.asname or alias.name
            for module, alias in self._imported
            if module not in sys.stdlib_module_names
        }

    @property
    def stars(self) -> list[str]:
        """The modules that it imports all names from."""
        return [module for module, alias in self._imported if alias.name == "*"]

    @cached_property
    def _imported(self) -> list[tuple[str, ast.alias]]:
        nodes = [node for statement in self.statements for node in ast.walk(statement)]
        imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        return [((one.module or "").split(".")[0], alias) for one in imports for alias in one.names]

    def may_import(self, name: str) -> bool:
        """Whether the name may come from a module, as far as can be seen."""
        return name in self.strange_imports or any(module in sys.stdlib_module_names for module in self.stars)

    @cached_property
    def mentioned(self) -> set[str | None]:
        """All names and attributes."""
        nodes = (node for statement in self.statements for node in ast.walk(statement))
        return {getattr(node, "id", getattr(node, "attr", None)) for node in nodes}

    @cached_property
    def acts(self) -> bool:
        """Whether something is called when it runs, outside of functions and classes."""
        return any(isinstance(node, ast.Call) for one in self.statements for node in _running(one))

    def defines(self, function: str) -> bool:
        """Whether it defines the function, or a class `Solution` that has such a method."""
        return function in self.names[0] or bool(self._methods(function))

    def sketches(self, function: str | None) -> bool:
        """Whether what it defines under that name has no body."""
        own = [one for one in self.statements if isinstance(one, FUNCTION) and one.name == function]
        found = own + self._methods(function)
        return bool(found) and all(map(_idle, found[-1].body))

    def _methods(self, function: str | None) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        classes = [one for one in self.statements if isinstance(one, ast.ClassDef) and one.name == "Solution"]
        nodes = [node for one in classes for node in one.body]
        return [node for node in nodes if isinstance(node, FUNCTION) and node.name == function]

    @property
    def without_last_words(self) -> str:
        """Its text up to the last statement that does something (`Explanation: trivial` is Python, too)."""
        last = next((one for one in reversed(self.statements) if not _words(one)), None)
        if last is None or last is self.statements[-1]:
            return self.text
        return "\n".join(self.text.split("\n")[: last.end_lineno])


def names_used(text: str) -> set[str]:
    """The names of the top level that code uses, wherever it uses them: its own and others'."""
    return _globals_used(symtable.symtable(text, "answer", "exec"))


def _globals_used(top: symtable.SymbolTable) -> set[str]:
    found: set[str] = set()
    scopes = [top]
    while scopes:
        scope = scopes.pop()
        used = [one for one in scope.get_symbols() if one.is_referenced()]
        found |= {one.get_name() for one in used if scope is top or one.is_global()}
        scopes += scope.get_children()
    return found


def _running(statement: ast.AST) -> Iterator[ast.AST]:
    """What runs with it: not what waits in functions, nor classes."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (*FUNCTION, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)


def _changed_and_stored(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """The names of what it changes, and those that it gives to something new."""
    changed: set[str] = set()
    again: set[ast.AST] = set()
    stored: set[str] = set()
    for node in _running(statement):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = [
                one for one in _running(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
            ]
            inside = [one for one in _running(node.value) if isinstance(one, ast.Name)]
            own = {one.id for one in inside if isinstance(one.ctx, ast.Store)}
            used = {one.id for one in inside} - own
            old = [one for one in targets if isinstance(node, ast.AugAssign) or one.id in used]
            again.update(old)
            changed |= {one.id for one in old}
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            changed |= _given(node.value)
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed |= _root(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            stored |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, (*FUNCTION, ast.ClassDef)):
            stored.add(node.name)
    names = [one for one in _running(statement) if isinstance(one, ast.Name) and one not in again]
    return changed, stored | {one.id for one in names if isinstance(one.ctx, ast.Store)}


def _given(call: ast.Call) -> set[str]:
    """What a call whose value is thrown away may be there to change."""
    if isinstance(call.func, ast.Name) and hasattr(builtins, call.func.id):
        return set()
    roots = [_root(node) for node in (call.func, *call.args) if not isinstance(node, ast.Call)]
    return set().union(*roots) - ({call.func.id} if isinstance(call.func, ast.Name) else set())


def _root(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _idle(statement: ast.stmt) -> bool:
    """Whether it is what stands in a body that is still to be written."""
    if isinstance(statement, ast.Raise):
        return any(getattr(node, "id", None) == "NotImplementedError" for node in ast.walk(statement))
    if isinstance(statement, ast.Return):
        return statement.value is None
    told = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return told or isinstance(statement, ast.Pass)


def _words(statement: ast.stmt) -> bool:
    """Whether it has no effect."""
    if isinstance(statement, ast.AnnAssign):
        return statement.value is None
    nodes = ast.walk(statement)
    return isinstance(statement, ast.Expr) and not any(isinstance(node, EFFECTS) for node in nodes)
