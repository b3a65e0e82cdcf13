"""A QEMU without any symbols: variables are told by what they hold."""

import json

import odd_qemus
import pytest
from odd_qemus import OddQemu
from oracle import QmpOracle
from rig import NULL
