"""Threads that sync bodies share, one after another."""

from __future__ import annotations

import queue
import threading
import time
import weakref

from pytest_ailoop import recorder
from pytest_ailoop.scheduling.carry import CarryPatch
from pytest_ailoop.scheduling.seats import BodyCut, Seats
from tests.unit.scheduling.bodies import Crowd, Items, notebook


def _done_by(seat) -> str:
    """Let *seat* tell its thread's number."""
    told = queue.SimpleQueue()
    seat.give(lambda: told.put(threading.get_ident()))
    return told.get(timeout=5)


def test_a_seat_that_was_given_back_serves_again():
    """As many threads as are taken at once; they end with the last."""
    seats = Seats()
    first, second = seats.take(), seats.take()
    assert _done_by(first) != _done_by(second)
    seats.give_back(first)
    third = seats.take()
    assert (first, first.ident) == (third, _done_by(third))
    for one in (second, third):
        seats.give_back(one)
    seats.close()
    assert (False, False) == (first.is_alive(), second.is_alive())


def test_a_seat_keeps_nothing_of_who_started_it_and_of_what_it_did():
    """Neither the item that needed it first, nor a job once it is done."""

    class Thing:
        pass

    seats, thing, told, patch = Seats(), Thing(), queue.SimpleQueue(), CarryPatch()
    first, kept = notebook("first"), weakref.ref(thing)
    try:
        with recorder.within(first):
            seat = seats.take()
    finally:
        patch.undo()
        recorder.end(first)
    seat.give(lambda thing=thing: told.put(recorder.own()))
    assert None is told.get(timeout=5)
    del thing
    end = time.monotonic() + 5
    while kept() is not None and time.monotonic() < end:
        time.sleep(0.005)
    assert None is kept()
    seat.leave()


def test_a_cut_that_comes_late_ends_the_seat_in_silence():
    """What was to end a body may reach the thread when that body is over."""
    failures = []
    before, threading.excepthook = threading.excepthook, failures.append
    try:
        seat = Seats().take()

        def cut():
            raise BodyCut

        seat.give(cut)
        seat.join(5)
    finally:
        threading.excepthook = before
    assert ([], False) == (failures, seat.is_alive())


def test_bodies_share_threads():
    """Of many bodies, no more threads are made than were at work at once, and none is left."""
    crowd, used = Crowd(), set()

    def work(number):
        used.add(threading.current_thread())
        with crowd.inside():
            pass

    Items(work, 20, gate=4, is_async=False).run()
    assert (20, 1) == (crowd.begun, crowd.most)
    assert len(used) <= 4
    assert not any(one.is_alive() for one in used)


def test_the_thread_of_a_cut_body_serves_no_other():
    """It ends: what was to cut the body may still be on its way to it."""
    used, go = [], threading.Event()

    def work(number):
        used.append(threading.current_thread())
        if number == 0:
            items.engine.drop(items.bodies[0])
            while True:
                go.wait(0.001)

    items = Items(work, 3, gate=1, is_async=False)
    for one in items.bodies:
        items.take(one)
    first = used[0]
    first.join(5)
    assert (True, False) == (items.bodies[0].is_cut, first.is_alive())
    assert first not in used[1:]
    items.close()
