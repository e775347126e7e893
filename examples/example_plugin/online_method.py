"""A method that trains online: what most responses answer is rewarded, and of those that agree the shortest most."""

from genius_bench.online_method import Group, OnlineMethod


class ExampleAgreement(OnlineMethod):
    """Rewards the answers that others give too, and short responses among them."""

    name = "example-agreement"
    title = "The shortest of those that agree"
    source = "where it was published: a paper, a page"

    def reward(self, group: Group) -> list[float]:
        answers = group.answers
        votes = [answers.count(answer) if answer is not None else 0 for answer in answers]
        lengths = [len(response.token_ids) for response in group.responses]
        return [vote - length / max(lengths) for vote, length in zip(votes, lengths, strict=True)]
