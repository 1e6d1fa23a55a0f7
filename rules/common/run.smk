# What happens when a run starts and when it ends.

# The configuration, for who reads results without it.
NOTED = SETTINGS.model_dump(mode="json") | {"elsewhere": sorted(ELSEWHERE)}


def current_parameters(name, wildcards):
    """Parameters of a rule's job as far as they are known now; None if there is no such job."""
    if not rules.has(name):
        return None
    job, now = Wildcards(fromdict=wildcards), {}
    for parameter, value in getattr(rules, name).rule.params.items():
        try:
            now[parameter] = value(job) if callable(value) else value
        except IncompleteCheckpointException:
            pass  # the rounds before decide, and have records of their own
        except WorkflowError:
            return None  # its degradation or network is no longer configured
    return now


@cache
def before_deciding():
    """What must be done before Snakemake decides what to make, and when its options are known.

    They are not yet when the Snakefile is read. So the first of the photographs' files that is named
    asks for this: all jobs are made of photographs.
    """
    named = {str(trigger) for trigger in workflow.rerun_triggers}
    if missing := {"mtime", "params", "input"} - named:
        warn(
            f"--rerun-triggers without {', '.join(sorted(missing))}: results that the "
            "configuration or the code has changed for may be taken as they stand"
        )
    make_stale_ones_again()


def make_stale_ones_again():
    """What Snakemake has forgotten the making of, and is out of date, counts as it would have.

    Of these results it makes again what it needs, as if they were named behind `--forcerun`.
    """
    stale = dict(records.stale(Path(RESULTS), current_parameters))
    if stale:
        warn(
            "these results were made with other settings or code, and .snakemake, which would have "
            "told so, is gone. What is needed of them is made again; `--touch` accepts it as it is:"
            + "".join(f"\n  {name} ({', '.join(why)})" for name, why in stale.items())
        )
    workflow.dag.forcefiles.update(stale)


def warn(line):
    print(f"warning: {line}", file=sys.stderr)


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
    try:
        with appearing(Path(RESULTS, places.SETTINGS)) as temporary:
            temporary.write_text(json.dumps(NOTED, indent=1), encoding="utf-8")
    except OSError as error:
        raise WorkflowError(
            f"results: {RESULTS}: nothing can be written there ({error.strerror})"
        ) from None


@cache
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
    """The results where all were asked for, so that they are as of now; else what was made."""
    dag = workflow.dag
    made = [at(places.GROUPS), *report_files()]
    if {file for job in dag.jobs for file in job.output}.issuperset(made):
        for file in made:
            if file.endswith(".txt"):
                print(Path(file).read_text(encoding="utf-8"))
    else:
        # Not what was only made for something else.
        last = [job for job in dag.finished_jobs if not dag.depending[job]]
        made = sorted(file for job in last for file in job.output)
    print("Results:", *made, sep="\n  ")
