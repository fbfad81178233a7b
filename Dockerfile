# Three stages: what the package needs, the package itself, and the image. Where only the package has changed,
# its few megabytes are built anew, not the dependencies.
#
#   docker build -t bids_eeg2fmri .
#   docker build -t bids_eeg2fmri:cuda --build-arg CUDA=1 .      networks on an NVIDIA card; gigabytes larger
#
# Build arguments: EXTRAS, extras of pyproject.toml, separated by commas; TORCH_INDEX, where PyTorch without
# CUDA comes from; VERSION, which must be the package's; REVISION and CREATED, for the labels.

FROM debian:bookworm-slim AS dependencies
# Debian removes old versions from its mirrors: what is pinned cannot be installed for long.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY constraints.txt pyproject.toml ./
ARG CUDA=0
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# PyTorch first and alone: an index out of reach is then asked once, not for every package, and pip takes what
# it is configured with. Whether that was a build without CUDA is told from its version.
RUN python3 -m venv /opt/venv \
    && if [ "$CUDA" = 0 ]; then set -- --retries 1 --extra-index-url "$TORCH_INDEX"; fi \
    && /opt/venv/bin/pip install --no-deps -c constraints.txt "$@" torch \
    && version=$(/opt/venv/bin/python -c "from importlib.metadata import version; print(version('torch'))") \
    && case "$CUDA$version" in \
         0*+cpu|[!0]*) ;; \
         *) echo "PyTorch $version is not the build without CUDA. Is $TORCH_INDEX within reach? Name another" \
                 "place with --build-arg TORCH_INDEX=URL, or ask for CUDA with --build-arg CUDA=1." >&2; \
            exit 1;; \
       esac
ARG EXTRAS=""
RUN python3 -c "import sys, tomllib; \
p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
extras = [name.strip() for name in sys.argv[1].split(',') if name.strip()]; \
print(*p['dependencies'], *(r for e in extras for r in p['optional-dependencies'][e]), sep='\n')" "$EXTRAS" \
       > requirements.txt \
    && /opt/venv/bin/pip install -c constraints.txt -r requirements.txt \
    && if [ "$CUDA" = 0 ] && ls -d /opt/venv/lib/python3*/site-packages/nvidia* 2>/dev/null; then \
         echo "The packages above are of CUDA, which was not asked for." >&2; \
         exit 1; \
       fi \
    && /opt/venv/bin/pip uninstall -y pip setuptools \
    && rm -rf /opt/venv/lib/python3*/site-packages/torch/include /opt/venv/lib/python3*/site-packages/torch/test \
    && find /opt/venv/lib/python3*/site-packages/torch/bin -type f ! -name torch_shm_manager -delete \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash -x torch/testing/_internal \
       /opt/venv/lib

FROM dependencies AS package
COPY README.md LICENSE ./
COPY bids_eeg2fmri bids_eeg2fmri
ARG VERSION=0.1.0
# The commands run Python isolated (-I): what PYTHONPATH or the home folder of the caller holds, which Apptainer
# passes on, is not imported.
RUN python3 -m venv /opt/build \
    && PIP_CONSTRAINT=constraints.txt /opt/build/bin/pip wheel --no-deps -w dist . \
    && if [ ! -e "dist/bids_eeg2fmri-$VERSION-py3-none-any.whl" ]; then \
         echo "VERSION is $VERSION, but the package is" dist/*.whl >&2; \
         exit 1; \
       fi \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --no-deps --prefix /opt/app dist/*.whl \
    && sed -i '1s/$/ -I/' /opt/app/bin/* \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/app/lib

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=package /opt/app /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    LANG=C.UTF-8 \
    HOME=/tmp \
    PYTHONNOUSERSITE=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    MKL_NUM_THREADS=1 \
    NUMEXPR_NUM_THREADS=1
ENTRYPOINT ["/opt/venv/bin/bids_eeg2fmri"]
ARG VERSION=0.1.0
ARG REVISION=""
ARG CREATED=""
# The second group is what BIDS-Apps have carried since before there were the first, and what indexes of them read.
LABEL org.opencontainers.image.title="bids_eeg2fmri" \
      org.opencontainers.image.description="A BIDS-App that learns, for each person, what the EEG says about the BOLD of the motor cortex" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.licenses="BSD-3-Clause" \
      org.opencontainers.image.authors="The bids_eeg2fmri developers" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim" \
      org.label-schema.schema-version="1.0" \
      org.label-schema.name="bids_eeg2fmri" \
      org.label-schema.description="A BIDS-App that learns, for each person, what the EEG says about the BOLD of the motor cortex" \
      org.label-schema.version="$VERSION" \
      org.label-schema.vcs-ref="$REVISION" \
      org.label-schema.build-date="$CREATED" \
      org.label-schema.docker.cmd="docker run --rm -u $(id -u):$(id -g) -v BIDS_DIR:/data:ro -v OUTPUT_DIR:/out bids_eeg2fmri /data /out participant"
