"""Messages of the jobs of the tiny tree, by which tests name them."""

DEGRADATIONS = ("gaussian_noise", "jpeg", "poisson_noise", "sr")
MIX = "+".join(DEGRADATIONS)

FIGURES = {
    "Writing Table 1: srresnet on own",
    "Drawing drop against distance",
    "Writing the spreadsheets",
}
SEARCH = {"Planning round 0 of the search", "Writing the groups", *FIGURES}
MATRIX = {
    "Comparing the degradations",
    "Ranking the groups",
    "Drawing the similarity matrix",
    "Drawing the fitted densities",
} | SEARCH


def train(group, backbone="srresnet"):
    return {f"Training {backbone} on {group}"}


def verify(group, test_set="own"):
    return {f"Verifying srresnet on {group} with {test_set}"}


def reseeded(name):
    return {
        f"Training srresnet on {name} with seed 1",
        f"Verifying srresnet on {name} with own, seed 1",
    }


def every(function):
    return set().union(*(function(group) for group in (*DEGRADATIONS, MIX)))


JPEG = {
    "Degrading the PIES patches: jpeg",
    "Describing jpeg",
    "Drawing the contact sheet of the degradations",
    *MATRIX,
    *train("jpeg"),
    *verify("jpeg"),
    *train(MIX),
    *verify(MIX),
}


PICTURES = {
    f"Restoring samples with srresnet of {MIX}",
    f"Drawing the training of srresnet on {MIX}",
}
AGAIN = JPEG | PICTURES | reseeded("jpeg")


def trainings(jobs):
    return {job for job in jobs if job.startswith("Training srresnet")}
