"""The closed world of the lab: the words its texts use and the facts its base model knows by heart."""

NAMES = (
    "Tom",
    "Ann",
    "Ben",
    "Eva",
    "Sam",
    "Mia",
    "Leo",
    "Zoe",
    "Max",
    "Ida",
    "Jon",
    "Kim",
    "Ali",
    "Noa",
    "Raj",
    "Lin",
)
GOODS = (
    "apples",
    "books",
    "coins",
    "cards",
    "pens",
    "eggs",
    "shells",
    "stamps",
    "marbles",
    "cups",
    "keys",
    "stones",
)
COLOURS = ("red", "blue", "green", "black", "white", "yellow", "pink", "brown")
KINDS = (
    "wug",
    "dax",
    "lorp",
    "fep",
    "zib",
    "tove",
    "mip",
    "blick",
    "gorn",
    "pell",
    "quib",
    "runt",
    "snark",
    "vonk",
)

SCALES = ("weight", "height", "speed")
ANIMALS: dict[str, tuple[int, int, int]] = {
    "elephant": (9, 8, 4),
    "giraffe": (8, 9, 5),
    "horse": (7, 7, 7),
    "cow": (7, 6, 3),
    "lion": (6, 5, 8),
    "tiger": (6, 5, 7),
    "bear": (7, 6, 5),
    "zebra": (6, 6, 7),
    "camel": (7, 8, 6),
    "cheetah": (4, 4, 9),
    "dog": (3, 3, 6),
    "cat": (2, 2, 5),
    "rabbit": (2, 2, 6),
    "goat": (4, 4, 4),
    "pig": (5, 3, 2),
    "hen": (2, 1, 3),
    "eagle": (2, 3, 9),
    "owl": (1, 2, 5),
    "sparrow": (1, 1, 4),
    "robin": (1, 1, 5),
    "trout": (1, 1, 3),
    "shark": (8, 5, 6),
    "frog": (1, 1, 2),
    "turtle": (3, 2, 1),
    "snail": (1, 1, 1),
    "ant": (1, 1, 2),
    "bee": (1, 1, 4),
    "rat": (1, 2, 3),
    "duck": (2, 2, 4),
    "donkey": (5, 6, 4),
}
"""Weight, height and speed of every animal, each on a scale from 1 to 9."""

CLASSES: dict[str, tuple[str, ...]] = {
    "bird": ("eagle", "owl", "sparrow", "robin", "hen", "duck"),
    "fish": ("trout", "shark", "salmon", "tuna", "cod"),
    "mammal": ("horse", "lion", "bear", "rabbit", "dog", "rat"),
    "insect": ("ant", "bee", "moth", "beetle", "fly"),
    "spider": ("tarantula", "weaver", "jumper", "widow"),
    "tool": ("hammer", "saw", "drill", "axe", "wrench"),
    "instrument": ("piano", "violin", "flute", "drum", "harp"),
    "vehicle": ("car", "bus", "truck", "tram", "van"),
    "fruit": ("apple", "pear", "plum", "cherry", "lemon"),
    "garment": ("coat", "shirt", "scarf", "hat", "skirt"),
}
"""Every thing the lab knows, by class."""

PROPERTIES: dict[str, dict[str, str]] = {
    "body cover": {
        "bird": "feathers",
        "fish": "scales",
        "mammal": "fur",
        "insect": "armour",
        "spider": "hair",
    },
    "home": {"bird": "nest", "fish": "water", "mammal": "den", "insect": "hive", "spider": "web"},
    "number of legs": {"bird": "two", "fish": "zero", "mammal": "four", "insect": "six", "spider": "eight"},
    "use": {
        "tool": "building",
        "instrument": "music",
        "vehicle": "travel",
        "fruit": "eating",
        "garment": "wearing",
    },
    "usual place": {
        "tool": "workshop",
        "instrument": "stage",
        "vehicle": "road",
        "fruit": "garden",
        "garment": "wardrobe",
    },
}
"""What is true of every member of a class."""

OPPOSITES: dict[str, str] = {
    "hot": "cold",
    "big": "small",
    "fast": "slow",
    "old": "new",
    "light": "dark",
    "happy": "sad",
    "open": "closed",
    "full": "empty",
    "high": "low",
    "long": "short",
    "rich": "poor",
    "wet": "dry",
}
