# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sees from outside what a process asks of the network: a library loaded in front writes down every name and address.

Libraries in C++ look names up past Python, so the C functions themselves are watched. DDS sends without connecting, so
it is not in the way.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from trustseg.host.telemetry import OPT_OUT

SOURCE = r"""
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *what, const char *whom) {
    const char *path = getenv("NAME_LOOKUPS");
    if (!path || !whom) return;
    char line[600];
    int length = snprintf(line, sizeof line, "%s %.500s\n", what, whom);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0) return;
    if (write(file, line, length) < 0) abort();
    close(file);
}

template <class Function> static Function real(Function, const char *name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

extern "C" {
int getaddrinfo(const char *name, const char *service, const addrinfo *hints, addrinfo **found) {
    if (!hints || !(hints->ai_flags & AI_NUMERICHOST)) note("name", name);
    return real(&getaddrinfo, "getaddrinfo")(name, service, hints, found);
}
hostent *gethostbyname(const char *name) noexcept(noexcept(gethostbyname(name))) {
    note("name", name);
    return real(&gethostbyname, "gethostbyname")(name);
}
hostent *gethostbyname2(const char *name, int family) noexcept(noexcept(gethostbyname2(name, family))) {
    note("name", name);
    return real(&gethostbyname2, "gethostbyname2")(name, family);
}
int connect(int socket, const sockaddr *address, socklen_t length) {
    char text[64] = "";
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in *>(address)->sin_addr, text, sizeof text);
        if (strncmp(text, "127.", 4) != 0) note("connect", text);
    } else if (address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6 *>(address)->sin6_addr, text, sizeof text);
        if (strcmp(text, "::1") != 0) note("connect", text);
    }
    return real(&connect, "connect")(socket, address, length);
}
}
"""
# Of this host itself: resolving them tells nobody anything.
OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", os.uname().nodename})


@dataclass(frozen=True)
class Watch:
    """A home folder of its own and the list of what was asked; `environment` goes to the process.

    Attributes:
        home: where a library would leave its device id.
        log: one line a look-up or connection.
        library: the shared object that is loaded in front.
    """

    home: Path
    log: Path
    library: Path

    def environment(self, base: dict[str, str]) -> dict[str, str]:
        """`base` without this product's opt-outs (the process must make its own) and with the watching library."""
        env = {name: value for name, value in base.items() if name not in OPT_OUT and not name.startswith("XDG_C")}
        return {**env, "HOME": str(self.home), "NAME_LOOKUPS": str(self.log), "LD_PRELOAD": str(self.library)}

    def asked(self) -> list[str]:
        """What was looked up or connected to beyond this host."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.is_file() else []
        return [line for line in lines if line.split(" ", 1)[1] not in OWN_NAMES]

    def left_behind(self) -> list[str]:
        """Files under the home folder but for our own cache and matplotlib's list of fonts."""
        files = [path.relative_to(self.home).as_posix() for path in self.home.rglob("*") if path.is_file()]
        ours = (".cache/trustseg/", ".cache/matplotlib/", ".config/matplotlib/")
        return sorted(name for name in files if not name.startswith(ours))


def make_watch(folder: Path) -> Watch:
    """Build the library in `folder` and make an empty home folder there."""
    source, library = folder / "name_lookups.cpp", folder / "name_lookups.so"
    source.write_text(SOURCE, encoding="utf-8")
    subprocess.run(["g++", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    home = folder / "home"
    home.mkdir()
    return Watch(home, folder / "lookups.txt", library)
