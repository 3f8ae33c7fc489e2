from setuptools import find_packages, setup

FOLDERS = ("agent", "tools", "models", "prompts", "benchmarks")
setup(
    packages=[
        "mixingbuddy",
        *(
            f"mixingbuddy.{name}"
            for folder in FOLDERS
            for name in [folder, *(f"{folder}.{sub}" for sub in find_packages(folder))]
        ),
    ]
)
