"""ALU_Net's dense models and flat networks of LUTs on the ALU's task, for comparison with shared cells. Needs torch."""

from lutsmith.alu.dense.device import describe_device
from lutsmith.alu.dense.model_file import TrainedModel
from lutsmith.alu.dense.registry import MODELS, DenseModel, register_model
from lutsmith.alu.dense.report import PUBLISHED, PUBLISHED_MEAN, DenseReport
from lutsmith.alu.dense.scores import OperationScore
from lutsmith.alu.dense.search import SearchResult, Trial, search, search_dense
from lutsmith.alu.dense.training import train_dense

__all__ = [
    "MODELS",
    "PUBLISHED",
    "PUBLISHED_MEAN",
    "DenseModel",
    "DenseReport",
    "OperationScore",
    "SearchResult",
    "TrainedModel",
    "Trial",
    "describe_device",
    "register_model",
    "search",
    "search_dense",
    "train_dense",
]
