"""The category lists of the datasets that checkpoints are published for, in the official order.

Ids are 1-based and equal the place in the list. Names in a ground-truth file override these. Spelling is the datasets' own.
"""

from engine.config import Category


def _numbered(names: str) -> tuple[Category, ...]:
    return tuple(Category(number, name) for number, name in enumerate(names.split(), start=1))


YTVIS_2019 = _numbered(
    """
    person giant_panda lizard parrot skateboard sedan ape dog snake monkey hand rabbit duck cat cow fish train
    horse turtle bear motorbike giraffe leopard fox deer owl surfboard airplane truck zebra tiger elephant
    snowboard boat shark mouse frog eagle earless_seal tennis_racket
    """
)

YTVIS_2021 = _numbered(
    """
    airplane bear bird boat car cat cow deer dog duck earless_seal elephant fish flying_disc fox frog
    giant_panda giraffe horse leopard lizard monkey motorbike mouse parrot person rabbit shark skateboard
    snake snowboard squirrel surfboard tennis_racket tiger train truck turtle whale zebra
    """
)

OVIS = _numbered(
    """
    Person Bird Cat Dog Horse Sheep Cow Elephant Bear Zebra Giraffe Poultry Giant_panda Lizard Parrot Monkey
    Rabbit Tiger Fish Turtle Bicycle Motorcycle Airplane Boat Vehical
    """
)
YTVIS_2022 = YTVIS_2021
