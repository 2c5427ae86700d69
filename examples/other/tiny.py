#!/usr/bin/env python3
"""A debugger in Python: tiny.py (launch -- PROGRAM ARG... | attach PID). It prints a JSON object
for each event. At SIGTERM it lets each task that can stop go."""
import ctypes, json, os, signal, sys
SEIZE, INTERRUPT, LISTEN, GETEVENTMSG, CONT, DETACH = 0x4206, 0x4207, 0x4208, 0x4201, 7, 17
FORK, VFORK, CLONE, EXEC, STOP, WALL = 1, 2, 3, 4, 128, 0x40000000
OPTIONS, EXITKILL = 1 << FORK | 1 << VFORK | 1 << CLONE | 1 << EXEC, 1 << 20
libc = ctypes.CDLL(None)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
group, early, leaving = {}, {}, []  # each task's process; newborns whose creator's event is to come
def ptrace(request, tid, data=0):  # a task that has ended, or is at its end, refuses
    return libc.ptrace(request, tid, 0, data) == 0
def say(kind, tid, pid, **more):
    print(json.dumps({"kind": kind, "pid": pid, "tid": tid, **more}), flush=True)
def stopped(tid, event, sig):
    if tid not in group:
        return early.update({tid: (event, sig)})
    message = ctypes.c_ulong()
    known = event and ptrace(GETEVENTMSG, tid, ctypes.addressof(message))
    other = message.value
    if known and event in (FORK, VFORK, CLONE):
        is_thread = os.path.exists(f"/proc/{group[tid]}/task/{other}")
        group[other] = group[tid] if is_thread else other
        say("clone" if is_thread else "fork", tid, group[tid], child=other)
        other in early and stopped(other, *early.pop(other))
    elif known and event == EXEC:
        if other != tid:  # the task has the id of the first one now, which is gone
            say("exit", tid, tid)
            del group[other]
        say("exec", tid, tid, former=other)
    if leaving and event == STOP:
        del group[tid]
        ptrace(DETACH, tid)
    else:  # a group's stop lasts until SIGCONT
        held = event == STOP and sig != signal.SIGTRAP
        ptrace(LISTEN if held else CONT, tid, 0 if event else sig)
def leave(*_):
    leaving.extend(ptrace(INTERRUPT, tid) for tid in group)

signal.signal(signal.SIGTERM, leave)
fields = ["births", "creators", "deaths", "execs"]
print(json.dumps({"kind": "hello", "fields": fields}), flush=True)
if sys.argv[1] == "launch":
    if (pid := os.fork()) == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execv(sys.argv[3], sys.argv[3:])
    os.waitpid(pid, os.WUNTRACED)
    ptrace(SEIZE, pid, OPTIONS | EXITKILL)
    os.kill(pid, signal.SIGCONT)
    while os.waitpid(pid, WALL)[1] >> 16 != EXEC:
        ptrace(CONT, pid)
    group[pid] = pid
    say("ready", pid, pid)
    ptrace(CONT, pid)
else:
    pid = int(sys.argv[2])
    while new := [t for t in map(int, os.listdir(f"/proc/{pid}/task")) if t not in group]:
        for tid in new:
            group[tid] = pid
            ptrace(SEIZE, tid, OPTIONS) and say("attach", tid, pid)
    say("ready", pid, pid)
while group:
    tid, status = os.waitpid(-1, WALL)
    if os.WIFSTOPPED(status):
        stopped(tid, status >> 16, os.WSTOPSIG(status))
    elif tid in group:
        say("exit", tid, pid := group.pop(tid))
        tid == pid and say("end", tid, pid)
