# Needs the groups and all verifications; makes the tables and figures that people look at.


rule table1_backbone:
    """What sharing a model costs a network: single-task, mix of all, grouped."""
    input:
        groups=f"<results>/{places.GROUPS}",
        baselines=baseline_verifications,
        verifications=backbone_verifications,
    output:
        parquet="<results>/report/table1_{backbone}_{test_set}.parquet",
        csv="<results>/report/table1_{backbone}_{test_set}.csv",
        text="<results>/report/table1_{backbone}_{test_set}.txt",
        # A page of a report shows pictures and HTML; it offers other files for download only.
        page=report(
            "<results>/report/table1_{backbone}_{test_set}.html",
            caption="../workflow/report/table1_page.rst",
            category="Table 1",
            labels={
                "backbone": "{backbone}",
                "test set": "{test_set}",
                "as": "numbers",
            },
        ),
        figure=report(
            "<results>/report/table1_{backbone}_{test_set}.svg",
            caption="../workflow/report/table1.rst",
            category="Table 1",
            labels={
                "backbone": "{backbone}",
                "test set": "{test_set}",
                "as": "figure",
            },
        ),
    log:
        "<logs>/report/table1_{backbone}_{test_set}.log",
    wildcard_constraints:
        backbone="|".join(sorted(SETTINGS.backbones)),
    localrule: True
    conda:
        "../environment.yml"
    params:
        paired=PAIRED,
        code=code("table1_backbone.py"),
    message:
        "Writing Table 1: {wildcards.backbone} on {wildcards.test_set}"
    script:
        "../workflow/scripts/table1_backbone.py"


rule table1:
    """Table 1 of the paper with all its systems, the paper's numbers beside, and what they cost."""
    input:
        tables=backbone_tables,
        verifications=compared_verifications,
        costs=costs_of_rows,
        reseeded=reseeded_verifications,
    output:
        parquet="<results>/report/table1.parquet",
        csv="<results>/report/table1.csv",
        costs="<results>/report/table1_costs.csv",
        text=report(
            "<results>/report/table1.txt",
            caption="../workflow/report/table1_text.rst",
            category="Table 1",
            labels={"backbone": "all", "test set": "all", "as": "numbers"},
        ),
        figure=report(
            "<results>/report/table1.svg",
            caption="../workflow/report/table1_costs.rst",
            category="Table 1",
            labels={"backbone": "all", "test set": "all", "as": "figure"},
        ),
    log:
        "<logs>/report/table1.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        rows=table1_rows(),
        backbones=SETTINGS.report.backbones,
        test_sets=SETTINGS.report.test_sets,
        photographs={
            name: len(PHOTOGRAPHS[name])
            for name in ["train", *SETTINGS.report.test_sets]
        },
        reseeded=[row.name for row, _ in reseeded_rows()],
        code=code("table1.py"),
    message:
        "Writing Table 1 of all systems"
    script:
        "../workflow/scripts/table1.py"


rule table2:
    """Table 2 of the paper: groups of high and of low similarity, by each feature."""
    input:
        verifications=table2_verifications,
        similarities=table2_similarities,
        noise=noise_verifications,
    output:
        parquet="<results>/report/table2.parquet",
        csv="<results>/report/table2.csv",
        claims="<results>/report/table2_claims.csv",
        text=report(
            "<results>/report/table2.txt",
            caption="../workflow/report/table2_text.rst",
            category="Table 2",
            labels={"as": "numbers"},
        ),
        figure=report(
            "<results>/report/table2.svg",
            caption="../workflow/report/table2.rst",
            category="Table 2",
            labels={"as": "figure"},
        ),
    log:
        "<logs>/report/table2.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        experiments=EXPERIMENTS,
        features=table2_features(),
        backbone=SETTINGS.search.backbone,
        test_set=SETTINGS.search.test_set,
        code=code("table2.py"),
    message:
        "Writing Table 2"
    script:
        "../workflow/scripts/table2.py"


rule figure2:
    """Figure 2 of the paper: what sharing costs with similar degradations, with others, with all."""
    input:
        changes=rules.table2.output.parquet,
        mix=searched_verification(MIX),
    output:
        csv="<results>/report/figure2.csv",
        figure=report(
            "<results>/report/figure2.svg",
            caption="../workflow/report/figure2.rst",
            category="Table 2",
            labels={"as": "figure 2"},
        ),
    log:
        "<logs>/report/figure2.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        backbone=SETTINGS.search.backbone,
        test_set=SETTINGS.search.test_set,
        code=code("figure2.py"),
    message:
        "Drawing Figure 2"
    script:
        "../workflow/scripts/figure2.py"


rule sheets:
    """The similarity matrix, the rankings and the measured drops, for spreadsheets."""
    input:
        similarity=f"<results>/{places.SIMILARITY}",
        rankings=expand(f"<results>/{places.RANKING}", size=range(1, len(SEARCHED) + 1)),
        groups=f"<results>/{places.GROUPS}",
    output:
        similarity=f"<results>/{places.MATRIX_SHEET}",
        rankings=f"<results>/{places.RANKINGS_SHEET}",
        drops=f"<results>/{places.DROPS_SHEET}",
    log:
        "<logs>/report/sheets.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        code=code("sheets.py"),
    message:
        "Writing the spreadsheets"
    script:
        "../workflow/scripts/sheets.py"


rule similarity_figure:
    """The similarity matrix as a heat map with its clustering, and as a map in 2-D."""
    input:
        similarity=f"<results>/{places.SIMILARITY}",
    output:
        heat_map=report(
            "<results>/report/similarity.svg",
            caption="../workflow/report/similarity.rst",
            category="Similarity",
            labels={"figure": "heat map"},
        ),
        map=report(
            "<results>/report/similarity_map.svg",
            caption="../workflow/report/similarity_map.rst",
            category="Similarity",
            labels={"figure": "map"},
        ),
    log:
        "<logs>/report/similarity.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        code=code("similarity_figure.py"),
    message:
        "Drawing the similarity matrix"
    script:
        "../workflow/scripts/similarity_figure.py"


rule descriptors_figure:
    """Whether other features order the pairs of degradations alike."""
    input:
        similarities=[similarity_with(name) for name in SETTINGS.descriptor.networks()],
    output:
        table="<results>/report/descriptors.csv",
        figure=report(
            "<results>/report/descriptors.svg",
            caption="../workflow/report/descriptors.rst",
            category="Similarity",
            labels={"figure": "descriptors"},
        ),
    log:
        "<logs>/report/descriptors.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        networks=SETTINGS.descriptor.networks(),
        code=code("descriptors_figure.py"),
    message:
        "Comparing the descriptors"
    script:
        "../workflow/scripts/descriptors_figure.py"


rule densities_figure:
    """The fitted laws over the histograms of the scores."""
    input:
        ggd=expand(
            f"<results>/{places.LAW}",
            degradation=sorted(SETTINGS.degradations),
        ),
    output:
        figure=report(
            "<results>/report/densities.svg",
            caption="../workflow/report/densities.rst",
            category="Similarity",
            labels={"figure": "densities"},
        ),
    log:
        "<logs>/report/densities.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        degradations=sorted(SETTINGS.degradations),
        code=code("densities_figure.py"),
    message:
        "Drawing the fitted densities"
    script:
        "../workflow/scripts/densities_figure.py"


rule contact_sheet:
    """The same patches under every degradation."""
    input:
        pies=expand(
            f"<results>/{places.PIES}",
            degradation=[CLEAN, *sorted(SETTINGS.degradations)],
        ),
    output:
        figure=report(
            "<results>/report/degradations.svg",
            caption="../workflow/report/degradations.rst",
            category="Degradations",
        ),
    log:
        "<logs>/report/degradations.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        degradations=[CLEAN, *sorted(SETTINGS.degradations)],
        paired=PAIRED,
        code=code("contact_sheet.py"),
    message:
        "Drawing the contact sheet of the degradations"
    script:
        "../workflow/scripts/contact_sheet.py"


rule drop_distance_figure:
    """Drop of every verified group against its mean distance."""
    input:
        groups=f"<results>/{places.GROUPS}",
        similarity=f"<results>/{places.SIMILARITY}",
    output:
        figure=report(
            "<results>/report/drop_distance.svg",
            caption="../workflow/report/drop_distance.rst",
            category="Search",
        ),
    log:
        "<logs>/report/drop_distance.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        code=code("drop_distance_figure.py"),
    message:
        "Drawing drop against distance"
    script:
        "../workflow/scripts/drop_distance_figure.py"


rule severity_figure:
    """Distance from the clean patches against severity."""
    input:
        severities=expand(
            f"<results>/{places.SEVERITY}",
            degradation=OPERATORS,
        ),
    output:
        figure=report(
            "<results>/report/severity.svg",
            caption="../workflow/report/severity.rst",
            category="Similarity",
            labels={"figure": "severity"},
        ),
    log:
        "<logs>/report/severity.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        degradations=OPERATORS,
        code=code("severity_figure.py"),
    message:
        "Drawing distance against severity"
    script:
        "../workflow/scripts/severity_figure.py"


rule paper_averages:
    """The mean distances that the paper quotes, beside ours."""
    input:
        similarity=f"<results>/{places.SIMILARITY}",
    output:
        csv="<results>/report/paper_averages.csv",
        text=report(
            "<results>/report/paper_averages.txt",
            caption="../workflow/report/paper_averages_text.rst",
            category="Similarity",
            labels={"figure": "the paper's averages (numbers)"},
        ),
        figure=report(
            "<results>/report/paper_averages.svg",
            caption="../workflow/report/paper_averages.rst",
            category="Similarity",
            labels={"figure": "the paper's averages"},
        ),
    log:
        "<logs>/report/paper_averages.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        code=code("paper_averages.py"),
    message:
        "Comparing with the paper's mean distances"
    script:
        "../workflow/scripts/paper_averages.py"
