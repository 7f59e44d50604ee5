"""What both providers have in common: a value out of memory, of the type that was asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

Value = TypeVar("Value", bound=bool | str | int | float | Sequence[FlagValueType] | Mapping[str, FlagValueType])


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a provider has for a flag and somebody."""

    value: Any
    reason: Reason
    variant: str | None = None


class MemoryProvider(AbstractProvider):
    """Answers from memory; subclasses say what is there."""

    #: As OpenFeature's metadata have it.
    name: str

    @abstractmethod
    def find(self, flag_key: str, code: str) -> Found | None:
        """The flag's value for the one of this code; None when there is no such flag."""

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata(name=self.name)

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """True or false."""
        return self._resolve(flag_key, default_value, evaluation_context, (bool,))

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A text."""
        return self._resolve(flag_key, default_value, evaluation_context, (str,))

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """A whole number."""
        return self._resolve(flag_key, default_value, evaluation_context, (int,))

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """A number."""
        return self._resolve(flag_key, default_value, evaluation_context, (float, int))

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """A list or an object."""
        return self._resolve(flag_key, default_value, evaluation_context, (list, dict))

    def _resolve(
        self,
        flag_key: str,
        default_value: Value,
        context: EvaluationContext | None,
        kinds: tuple[type[Any], ...],
    ) -> FlagResolutionDetails[Value]:
        found = self.find(flag_key, (context.targeting_key if context else None) or "")
        if found is None:
            return FlagResolutionDetails(value=default_value, reason=Reason.ERROR, error_code=ErrorCode.FLAG_NOT_FOUND)
        if found.reason is Reason.DISABLED:
            return FlagResolutionDetails(value=default_value, reason=Reason.DISABLED)
        # True is an int to Python, and not to us.
        if not isinstance(found.value, kinds) or (isinstance(found.value, bool) and bool not in kinds):
            return FlagResolutionDetails(
                value=default_value,
                reason=Reason.ERROR,
                error_code=ErrorCode.TYPE_MISMATCH,
                error_message=f"{flag_key} is a {type(found.value).__name__}",
            )
        # JSON writes 2.0 as 2.
        value: Any = float(found.value) if float in kinds else found.value
        return FlagResolutionDetails(value=value, reason=found.reason, variant=found.variant)
