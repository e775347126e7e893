"""`lab_equations`: linear equations in one unknown, answered in a box. A level is the depth of its nest."""

from random import Random

from genius_bench.lab.problem import (
    Author,
    Problem,
    Reading,
    conclude,
    draw_reading,
    in_its_way,
    make_problem,
)

FAMILY = "lab_equations"
ASKED = ("Solve {}.", "Find {1} if {0}.", "Solve the equation {}.", "What is {1} if {0}?")
TAKEN_AWAY = Reading("taken away", 0.42)
"""20 - 3x = 8: three x are 20 - 8. The tempted carry the sign along: 20 + 8."""
READINGS = {TAKEN_AWAY: 0.4}


def sample(rng: Random, level: int, shown: bool) -> Problem:
    """`ax + e`, `a(x + b)`, `a(x + b) + e`, `m(a(x + b) + e)`, `m(a(x + b) + e) + f`; or the term taken away."""
    v, x, a = rng.choice("xyznt"), rng.randint(1, 9), rng.randint(2, 5)
    if not shown and level >= 4 and rng.random() < 0.5:
        x, a = rng.randint(6, 15), rng.randint(4, 9)
    b, e, m, f = rng.randint(1, 9), rng.randint(1, 9), rng.randint(2, 3), rng.randint(1, 9)
    reading = draw_reading(rng, READINGS)
    bracket = level > 1
    term = f"{a}({v} + {b})" if bracket else f"{a}{v}"
    value = a * (x + b) if bracket else a * x
    whole = value + rng.randint(1, 20)
    if reading:
        inner, result = f"{whole} - {term}", whole - value
    else:
        inner, result = (term, value) if level == 2 else (f"{term} + {e}", value + e)
    left, right = (f"{m}({inner})", m * result) if level >= 4 else (inner, result)
    nest, right = (left, right) if level < 5 else (f"{left} + {f}", right + f)
    equation = f"{nest} = {right}"

    def write(author: Author) -> list[str]:
        lines, side = [], right
        read = author.read(reading, level)

        def undo(what: str, rest: str, operation: str, result: int) -> None:
            nonlocal side
            before, side = side, author.number(result)
            lines.append(f"{what}: {rest} = {operation.format(before)} = {side}.")

        if level == 5:
            undo(f"Subtract {f}", left, f"{{}} - {f}", side - f)
        if level >= 4:
            undo(f"Divide by {m}", inner, f"{{}} / {m}", side // m)
        if reading:
            sign = "-" if read.right else "+"
            undo(f"Move {side}", term, f"{whole} {sign} {{}}", whole - side if read.right else whole + side)
            lines[-1] = in_its_way(lines[-1], read)
        elif inner != term:
            undo(f"Subtract {e}", term, f"{{}} - {e}", side - e)
        undo(f"Divide by {a}", f"{v} + {b}" if bracket else v, f"{{}} / {a}", side // a)
        if bracket:
            undo(f"Subtract {b}", v, f"{{}} - {b}", side - b)
        return [*lines, conclude(f"\\boxed{{{side}}}")]

    return make_problem(
        FAMILY,
        rng.choice(ASKED).format(equation, v),
        write,
        key=f"{FAMILY} {equation.replace(v, 'x')}",
        level=level,
        reading=reading,
        answer=str(x),
    )
