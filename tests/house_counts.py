"""Count what makes a package hard to read: public names, names with two meanings, wide functions, long lines.

    python tests/house_counts.py FOLDER [FOLDER ...]

Each folder holds a package `swapkit`, of any version. Prints JSON."""
import ast
import collections
import json
import sys
from pathlib import Path

WIDTH = 120


def defined(tree):
    "Names that a module defines itself, not those that it imports."
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)): yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in getattr(node, 'targets', [getattr(node, 'target', None)]):
                if isinstance(target, ast.Name): yield target.id


def offered(tree):
    "The names in `__all__`."
    return next((ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign)
                 and getattr(n.targets[0], 'id', '')=='__all__'), [])


def width(function):
    a = function.args
    return len(a.posonlyargs + a.args + a.kwonlyargs) + bool(a.vararg) + bool(a.kwarg)


def count(folder):
    "The figures of one package."
    public, homes, widest, longest, long = 0, collections.Counter(), (0, ''), (0, ''), 0
    for path in sorted((folder/'swapkit').rglob('*.py')):
        if path.name=='_modidx.py': continue
        text = path.read_text(encoding='utf-8')
        tree = ast.parse(text)
        names = set(offered(tree))
        public += len(names)
        homes.update(names & set(defined(tree)))
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        widest = max([widest, *((width(f), f.name) for f in functions)])
        longest = max(longest, (len(text.splitlines()), path.relative_to(folder).as_posix()))
        long += sum(len(line)>WIDTH and not line.startswith('__all__') for line in text.splitlines())
    twice = sorted(n for n,k in homes.items() if k>1)
    return dict(public_names=public, names_with_two_meanings=len(twice), such_as=twice[:8], widest_function=widest,
                lines_over_120=long, longest_module=longest)


if __name__ == '__main__': print(json.dumps({folder: count(Path(folder)) for folder in sys.argv[1:]}, indent=1))
