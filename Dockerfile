# docker build --tag grids .
# docker run --rm --volume "$PWD:/data" grids         # results in ./results; photographs below .
# With GPUs: --gpus all. The files belong to root unless --user "$(id -u):$(id -g)" is given.
FROM python:3.11-slim
COPY . /grids
RUN pip install --no-cache-dir --constraint /grids/requirements.lock --editable '/grids[workflow]'
# A user without a home writes caches here.
ENV HOME=/tmp
WORKDIR /data
CMD ["snakemake", "--snakefile", "/grids/Snakefile", "--cores", "all"]
