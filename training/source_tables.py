"""Which files of which packages show what: the tables behind `training.sources`, made by looking at every picture.

Keys are YouTube-VIS 2019 names. Emoji are code points, stamps and scenes are paths inside their package.
"""

COCO_CATEGORIES = {  # COCO id -> YouTube-VIS 2019 name; the reference's mapping, bicycles and skis included
    1: "person",
    2: "motorbike",
    3: "sedan",
    4: "motorbike",
    5: "airplane",
    7: "train",
    8: "truck",
    9: "boat",
    17: "cat",
    18: "dog",
    19: "horse",
    21: "cow",
    22: "elephant",
    23: "bear",
    24: "zebra",
    25: "giraffe",
    35: "snowboard",
    36: "snowboard",
    41: "skateboard",
    42: "surfboard",
    43: "tennis_racket",
}

FLUENT = {
    "person": "1f6b6 1f3c3 1f483 1f57a 1f9cd 1f9ce 1f574-fe0f 1f938 1f9d8 1f646 1f64b 1f64d 1f937",
    "dog": "1f415 1f9ae 1f415-200d-1f9ba 1f429 1f436",
    "cat": "1f408 1f408-200d-2b1b 1f431",
    "horse": "1f40e 1f434",
    "cow": "1f404 1f402 1f42e",
    "elephant": "1f418",
    "zebra": "1f993",
    "giraffe": "1f992",
    "bear": "1f43b 1f43b-200d-2744-fe0f",
    "rabbit": "1f407 1f430",
    "duck": "1f986",
    "fish": "1f41f 1f420 1f421",
    "airplane": "2708-fe0f 1f6e9-fe0f 1f6eb 1f6ec",
    "boat": "26f5 1f6a4 1f6f6 1f6e5-fe0f",
    "truck": "1f69a 1f69b 1f6fb 1f692 1f691",
    "sedan": "1f697 1f695 1f693 1f699 1f698 1f696 1f694",
}
SKIN_TONES = ("", "-1f3fb", "-1f3fd", "-1f3ff")  # a person's code point stands for all of these that the package has
GENDERS = ("", "-200d-2640-fe0f", "-200d-2642-fe0f")
RUNWAYS = {"1f6eb": 0.68, "1f6ec": 0.68}  # share of the height above the runway
ON_WATER = {"26f5", "1f6a4", "1f6f6", "1f6e5-fe0f"}  # boats drawn with waves, which are cut away

# The first of each category is held out from training: all other sprites of its category have another shape.
NOTO = {
    "person": "1f6b6 1f3c3 1f483 1f57a 1f9cd 1f9ce 1f574 1f938 1f9d8 1f64b",
    "dog": "1f415 1f9ae 1f429 1f436",
    "cat": "1f408 1f431",
    "horse": "1f40e 1f434",
    "cow": "1f404 1f402 1f42e",
    "elephant": "1f418",
    "zebra": "1f993",
    "giraffe": "1f992",
    "bear": "1f43b",
    "rabbit": "1f407 1f430",
    "duck": "1f986",
    "fish": "1f41f 1f420 1f421",
    "airplane": "2708 1f6e9",
    "boat": "26f5 1f6a4 1f6f6 1f6a2 1f6e5",
    "truck": "1f69a 1f69b 1f6fb 1f692 1f691",
    "sedan": "1f697 1f695 1f693 1f699 1f698 1f696",
}

STAMPS = {
    "person": """people/fireman200b people/fireman240a people/cartoon/woman_doctor people/cartoon/man_in_suit
        people/cartoon/woman_dancing people/cartoon/woman_police_officer_1 people/cartoon/woman_police_officer_2
        people/cartoon/woman_nurse people/cartoon/woman_chemist""",
    "dog": "animals/mammals/dogs/dog animals/mammals/dogs/dingo",
    "cat": "animals/mammals/cats/kitten",
    "horse": "animals/mammals/equines/horse",
    "cow": """animals/mammals/bovines/cow animals/mammals/bovines/cow_white animals/mammals/bovines/zebu
        animals/mammals/bovines/bull""",
    "elephant": "animals/mammals/elephant",
    "zebra": "animals/mammals/equines/zebra animals/mammals/equines/zebra2",
    "giraffe": "animals/mammals/giraffe",
    "bear": "animals/mammals/bears/bear animals/mammals/bears/european-bear",
    "rabbit": "animals/mammals/rabbit_little animals/mammals/rodents/rabbit animals/mammals/rodents/rabbit-2",
    "duck": "animals/birds/drake animals/birds/duck",
    "fish": """animals/fish/bluegroper animals/fish/butterflyfish animals/fish/clownfish animals/fish/coraltrout
        animals/fish/dolphinfish animals/fish/lionfish animals/fish/moonwrasse animals/fish/stripedfish""",
    "airplane": """military/vehicles/f22_raptor vehicles/flight/planes/747 vehicles/flight/planes/plane
        military/vehicles/mustang""",
    "boat": """vehicles/ship/chineseJunk vehicles/ship/walnutBoat vehicles/ship/sail_boat1 vehicles/ship/sail_boat2
        vehicles/ship/cartoon/tugboat""",
    "truck": """vehicles/auto/truck vehicles/garbagetruck vehicles/emergency/firetruck vehicles/blue_truck
        vehicles/iso_lorry1 vehicles/iso_lorry2 vehicles/iso_lorry3 vehicles/iso_lorry4 vehicles/toy_truck
        vehicles/construction/cartoon/terex""",
    "sedan": """vehicles/auto/beetle vehicles/auto/sedan vehicles/auto/sportscar2 vehicles/auto/sportscar
        vehicles/auto/sportscar3""",
}
# Things of no category: plants, food, furniture.
OCCLUDER_FOLDERS = "plants/trees plants/flowers plants/mushrooms food/fruit food/vegetables household".split()

# Wallpapers and photos with no object of a trained category in sight.
WALLPAPERS = {
    "train": """mate/desktop/Float-into-MATE.png mate/desktop/Ubuntu-Mate-Cold-no-logo.png
        mate/desktop/Ubuntu-Mate-Warm-no-logo.png mate/nature/Aqua.jpg mate/nature/Blinds.jpg mate/nature/Dune.jpg
        mate/nature/FreshFlower.jpg mate/nature/Garden.jpg mate/nature/GreenMeadow.jpg mate/nature/RainDrops.jpg
        mate/nature/Storm.jpg mate/nature/TwoWings.jpg mate/nature/Wood.jpg mate/nature/YellowFlower.jpg
        Bridge_by_Sander_Klootwijk.jpg Fossa_by_Jasper_Roks.jpg Infinite-Sea_by_Aury88.jpg
        Painting-Colors_by__herobrine7gamer.jpg Picture_1A_by_freespace.jpg Wine_by_Jakkub_Mede.jpg
        aitzgorri_by_Aitzol_Berasategi.jpg analogpattern_by_Peter_Nerlich.jpg greentock_by_Peter_Nerlich.jpg
        seeding_by_Clements_Engelhardt.jpg umang_by_Abhishek_Mudgal.jpg""".split(),
    "heldout": """life_by_Aitzol_Berasategi.jpg picosdeeuropa_by_Aitzol_Berasategi.jpg
        sunset_by_Aitzol_Berasategi.jpg""".split(),
}
PHOTOS = {  # (file in its wheel, licence)
    "train": [
        (f"skimage/data/{name}", "CC0-1.0")
        for name in "brick.png grass.png gravel.png hubble_deep_field.jpg moon.png ihc.png".split()
    ],
    "heldout": [
        ("skimage/data/coffee.png", "CC0-1.0"),
        ("skimage/data/rocket.jpg", "public domain"),
        ("sklearn/datasets/images/china.jpg", "CC-BY-2.0"),
        ("sklearn/datasets/images/flower.jpg", "CC-BY-2.0"),
    ],
}

# Annotations whose cut-out lacks a part or shows another object.
BAD_CUTOUTS = {43, 285, 499, 1536, 1549, 1551, 1883, 1932, 1945, 1952, 2004, 2057, 2095, 2105, 2227}
# Pictures with look-alikes that COCO does not annotate or the categories leave out: a goose, plush animals, a bus.
BAD_SCENES = {425988, 491, 612, 114694, 208, 199681, 359937}
