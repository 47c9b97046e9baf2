"""Which of TensorFlow's operations a server runs: those that make numbers of numbers.

TensorFlow has about 1,500, and a model is a program of them: ReadFile and WriteFile are two. There is no list of those
that reach files, the network or other processes, so this is one of those that do not.
"""

from collections.abc import Iterable

from protobufs.frozen_graph_pb2 import FunctionDef, GraphDef, NodeDef

_FLOW = """Const Placeholder PlaceholderWithDefault Identity IdentityN NoOp StopGradient PreventGradient Snapshot
    PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile Switch Merge Enter Exit NextIteration
    LoopCond VarHandleOp ReadVariableOp"""
_ARITHMETIC = """Abs Add AddN AddV2 BiasAdd Ceil ClipByValue Cos Cosh Div DivNoNan Elu Erf Erfc Exp Expm1 Floor FloorDiv
    FloorMod Inv LeakyRelu Log Log1p LogSoftmax Maximum Minimum Mod Mul MulNoNan Neg Pow RealDiv Reciprocal Relu Relu6
    Round Rsqrt Selu Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Square SquaredDifference Sub Tan Tanh Xdivy
    Xlogy"""
_LAYERS = """MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum Conv2D DepthwiseConv2dNative AvgPool MaxPool
    FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3"""
_SHAPES = """BroadcastTo Cast Concat ConcatV2 ExpandDims Fill Gather GatherNd GatherV2 MirrorPad OneHot OnesLike Pack
    Pad PadV2 Range Rank Reshape ReverseV2 Shape ShapeN Size Slice Split SplitV Squeeze StridedSlice Tile Transpose
    Unpack ZerosLike"""
_REDUCTIONS = "All Any ArgMax ArgMin Cumsum Max Mean Min Prod Sum TopKV2"
_COMPARISONS = """Equal Greater GreaterEqual IsFinite IsInf IsNan Less LessEqual LogicalAnd LogicalNot LogicalOr
    NotEqual Select SelectV2"""
_LISTS = """EmptyTensorList TensorListElementShape TensorListFromTensor TensorListGetItem TensorListLength
    TensorListPushBack TensorListReserve TensorListSetItem TensorListStack"""

ALLOWED = frozenset(" ".join((_FLOW, _ARITHMETIC, _LAYERS, _SHAPES, _REDUCTIONS, _COMPARISONS, _LISTS)).split())
"""By name."""


def check_operations(graph: GraphDef, functions: Iterable[str] | None = None) -> None:
    """That a graph only does what ``ALLOWED`` has.

    Args:
        functions: only these of its library, and what they call; None: all of the graph and its library.
    Raises:
        ValueError: it does something else, or may be told to run another function than it names.
    """
    library = {function.signature.name: function for function in graph.library.function}
    nodes: list[NodeDef] = []
    if functions is None:
        nodes = list(graph.node)
        functions = library
    for function in _called(library, functions):
        nodes += function.node_def
    if bad := next((node for node in nodes if node.op not in ALLOWED), None):
        raise ValueError(
            f"has the operation {bad.op} (node {bad.name!r}), which is not known to leave files and network alone; "
            "export to ONNX"
        )
    # TensorFlow's optimiser may call, instead of a function, another one that has the same value here.
    if any("api_implements" in function.attr for function in library.values()):
        raise ValueError("has functions that stand for each other (api_implements); export to ONNX")


def _called(library: dict[str, FunctionDef], functions: Iterable[str]) -> list[FunctionDef]:
    waiting = list(functions)
    found = dict[str, FunctionDef]()
    while waiting:
        name = waiting.pop()
        if name in library and name not in found:
            found[name] = library[name]
            values = [value for node in library[name].node_def for value in node.attr.values()]
            waiting += [value.func.name for value in values]
            waiting += [called.name for value in values for called in value.list.func]
    return list(found.values())
