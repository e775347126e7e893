"""`lab_equations`: linear equations in one unknown, answered in a box."""

from random import Random

from genius_bench.lab.problem import Author, Problem, conclude, make_problem

FAMILY = "lab_equations"
ASKED = ("Solve {}.", "Find {1} if {0}.", "Solve the equation {}.", "What is {1} if {0}?")


def sample(rng: Random) -> Problem:
    """`ax + b = c`, `a(x + b) = c` or `ax + b = dx + c`, with small whole numbers throughout."""
    v, x, a, b = rng.choice("xyznt"), rng.randint(1, 9), rng.randint(2, 5), rng.randint(1, 9)
    shape = rng.choice(("sum", "difference", "product", "both"))
    if shape == "difference":
        b = rng.randint(1, min(a * x, 9))
    d = rng.randint(1, 4)
    c = {"sum": a * x + b, "difference": a * x - b, "product": a * (x + b), "both": a * x + b}[shape]
    equation = {
        "sum": f"{a}{v} + {b} = {c}",
        "difference": f"{a}{v} - {b} = {c}",
        "product": f"{a}({v} + {b}) = {c}",
        "both": f"{a + d}{v} + {b} = {d}{v} + {c}",
    }[shape]

    def write(author: Author) -> list[str]:
        lines: list[str] = []
        if shape == "product":
            inner = author.number(c // a)
            lines.append(f"Divide by {a}: {v} + {b} = {c} / {a} = {inner}.")
            root = author.number(inner - b)
            lines.append(f"Subtract {b}: {v} = {inner} - {b} = {root}.")
            return [*lines, conclude(f"\\boxed{{{root}}}")]
        factor = a
        if shape == "both":
            factor = author.pick(a, range(1, 10))
            lines.append(f"Collect {v}: {a + d}{v} - {d}{v} = {factor}{v}.")
        verb, sign = ("Add", "+") if shape == "difference" else ("Subtract", "-")
        side = author.number(c + b if sign == "+" else c - b)
        lines.append(f"{verb} {b}: {factor}{v} = {c} {sign} {b} = {side}.")
        root = author.number(side // factor)
        lines.append(f"Divide by {factor}: {v} = {side} / {factor} = {root}.")
        return [*lines, conclude(f"\\boxed{{{root}}}")]

    return make_problem(FAMILY, rng.choice(ASKED).format(equation, v), write, answer=str(x))
