"""The widget's access: read table unless somebody says otherwise, and then what that means is shown."""

from __future__ import annotations

from tests.bootstrap.operator import Operator


def grist_board(op: Operator) -> None:
    op.file.write_text(
        '[boards.interventions]\npreset = "interventions"\naccess = "grist"\n' + f'doc = "{op.doc.id}"\n'
    )


def test_read_table_is_what_a_widget_gets(op: Operator) -> None:
    op.run()
    assert op.widgets()[0]["access"] == "read table" and not op.shows("! access")


def test_full_is_a_choice_that_is_told_what_it_means(op: Operator) -> None:
    op.run(access="full")
    assert op.shows("! access full: the widget may do in the document whatever its reader may")
    assert op.widgets()[0]["access"] == "full"
    op.run()
    assert op.widgets()[0]["access"] == "full", "what was chosen stays"


def test_a_board_with_access_grist_has_no_token_in_the_document(op: Operator) -> None:
    op.run()
    assert op.widgets()[0]["widgetOptions"]["token"]
    op.file.write_text(op.file.read_text("utf-8") + 'access = "grist"\n', "utf-8")
    op.run(access="full")
    assert "token" not in op.widgets()[0]["widgetOptions"] and op.shows("~ page", "no viewer token")
    assert op.widgets()[0]["widgetOptions"]["board"]["access"] == "grist"


def test_access_grist_without_access_full_is_a_trap(op: Operator) -> None:
    grist_board(op)
    op.run()
    assert op.shows("! the board's access is", "--access full")
    op.run(access="full")
    assert not op.shows("! the board's access is")
