import json
from pathlib import Path

import pytest

from costmodel.cluster.profiles import find_profile, make_load, profiles
from costmodel.errors import InputError

NAMES = {
    "model-value",
    *(
        f"{name}{suffix}"
        for name in ("model-secp-ecdsa", "plutuscall-loop", "plutuscall-secp-ecdsa", "plutuscall-secp-schnorr")
        for suffix in ("", "-stepx2", "-memx2")
    ),
}


def test_the_workbenchs_profiles_are_there() -> None:
    assert set(profiles()) == NAMES


@pytest.mark.parametrize("name", sorted(name for name in NAMES if "secp" in name))
def test_a_block_is_full_with_eight_transactions(name: str) -> None:
    load = make_load(find_profile(name))
    assert load.fit is not None
    assert load.most_transactions == 8
    assert load.limited_by == "ex units"


@pytest.mark.parametrize(("suffix", "memory"), [("", 14_000_000), ("-stepx2", 14_000_000), ("-memx2", 31_000_000)])
def test_the_plain_loop_uses_up_a_transactions_memory_and_four_fill_a_block(suffix: str, memory: int) -> None:
    # 31,000,000 is what the workbench lets a transaction spend where a block has twice the memory.
    load = make_load(find_profile(f"plutuscall-loop{suffix}"))
    assert load.fit is not None
    assert (load.fit.target.mem, load.fit.limited_by) == (memory, ("memory",))
    assert load.most_transactions == 4


def test_doubled_steps_double_what_a_transaction_may_spend_and_doubled_memory_does_not_bind_ecdsa() -> None:
    plain, steps, memory = (
        make_load(find_profile(f"model-secp-ecdsa{suffix}")).fit for suffix in ("", "-stepx2", "-memx2")
    )
    assert plain and steps and memory
    assert (plain.target.cpu, steps.target.cpu) == (2_500_000_000, 5_000_000_000)
    assert steps.loop_count >= 2 * plain.loop_count
    assert memory.loop_count == plain.loop_count


def test_value_transfers_have_no_script_and_are_limited_by_size() -> None:
    load = make_load(find_profile("model-value"))
    assert load.program is None
    assert load.limited_by == "size"


def test_a_smaller_block_holds_fewer_transactions(tmp_path: Path) -> None:
    overlay = tmp_path / "small.json"
    plain = make_load(find_profile("model-secp-ecdsa"))
    body = {"maxBlockBodySize": 3 * plain.tx_bytes}
    overlay.write_text(json.dumps({"epoch_params": {"shelley": {"protocolParams": body}}}))
    load = make_load(find_profile("model-secp-ecdsa"), [overlay])
    assert (load.most_transactions, load.limited_by) == (3, "size")


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(InputError, match="known are model-value"):
        find_profile("model-nothing")
