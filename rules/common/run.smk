# What happens when a run starts and when it ends.

# The configuration, for who reads results without it.
NOTED = SETTINGS.model_dump(mode="json") | {"elsewhere": sorted(ELSEWHERE)}


def current_parameters(name, wildcards):
    """Parameters of a rule's job as far as they are known now; None if there is no such job."""
    if not workflow.is_rule(name):
        return None
    job, now = Wildcards(fromdict=wildcards), {}
    for parameter, value in workflow.get_rule(name).params.items():
        try:
            now[parameter] = value(job) if callable(value) else value
        except IncompleteCheckpointException:
            pass  # the rounds before decide, and have records of their own
        except WorkflowError:
            return None  # its degradation or network is no longer configured
    return now


def check_records():
    """Ends the run if Snakemake has forgotten how results were made and they are out of date."""
    forced = sys.argv if {"--forcerun", "-R"} & {*sys.argv} else []
    stale = [
        (output, differing)
        for output, differing in records.stale(Path(RESULTS), current_parameters)
        if output not in forced
    ]
    if stale:
        lines = [f"  {output} ({', '.join(differing)})" for output, differing in stale]
        files = " ".join(output for output, _ in stale)
        sys.exit(
            "error: these results were made with other settings or code, and .snakemake, which "
            "would have had them made again, is gone:\n"
            + "\n".join(lines)
            + f"\nTo make them again, and what follows from them: --forcerun {files}"
            + f"\nTo accept them as they are: --touch --forcerun {files}"
        )


def finish():
    """What is left to do when all that was asked for is there."""
    if workflow.touch:
        # Written when the run began, by the clock that the results have.
        began = Path(RESULTS, places.SETTINGS).stat().st_mtime_ns
        records.accept(Path(RESULTS), current_parameters, began)
    else:
        for folder in orphans.spent(Path(RESULTS)):
            shutil.rmtree(folder)
    print_summary()


def note_settings():
    """Leaves the configuration with the results, for `grids status`."""
    with appearing(Path(RESULTS, places.SETTINGS)) as temporary:
        temporary.write_text(json.dumps(NOTED, indent=1), encoding="utf-8")


def print_forecast():
    """How many trainings the search will need, before any is submitted.

    It only comments, so no mistake in it may end a run.
    """
    try:
        said = ahead.line(
            Path(RESULTS),
            NOTED,
            asked=SETTINGS.strategy_settings(),
            brought=MEASUREMENTS.get(SETTINGS.search.test_set, {}),
            expected=current_parameters,
        )
    except Exception as error:
        said = f"No forecast of the search ({type(error).__name__}: {error})"
    if said:
        print(said, file=sys.stderr)


def print_summary():
    """Where the results are, once they are all there."""
    files = [at(places.GROUPS), *report_files()]
    if all(Path(file).exists() for file in files):
        for file in files:
            if file.endswith(".txt"):
                print(Path(file).read_text(encoding="utf-8"))
        print("Results:", *files, sep="\n  ")
