"""Both packages, made by cpack from the build folder of the plugin under test: what is in them, what they ask for, and the installer.

The .deb is unpacked, not installed; the .tar.gz is installed by the unprivileged user of the harness in homes made here. Leaves to
others: clean machines (tests/packages/chroots).
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import harness  # noqa: E402

PLUGIN = Path(os.environ.get("TCPHS_PLUGIN", ROOT / "build" / "plugin" / "tcphs.so"))
PROFILE = [p for p in (ROOT / "plugin" / "profile").rglob("*") if p.is_file()]
DESCRIPTIONS = {".local/share/man/man7/tcphs.7", ".local/share/tcphs/tcphs.json"}


def output_of(*words, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def host():
    made = harness.Host(PLUGIN, os.environ.get("TCPHS_TSHARK", "tshark"), "sharkd", "wireshark")
    yield made
    made.close()


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    config = PLUGIN.parent.parent / "CPackConfig.cmake"
    if not config.exists() or not shutil.which("cpack"):
        pytest.skip("no build folder around the plugin, or no cpack")
    made = tmp_path_factory.mktemp("packages")
    output_of("cpack", "--config", config, "-B", made, umask=0o002)  # as many users have it
    return made


def only(folder, pattern):
    found = list(folder.glob(pattern))
    assert len(found) == 1, f"{pattern}: {found}"
    return found[0]


# The .deb -----------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def deb(packages, host):
    if not shutil.which("dpkg-shlibdeps") or not shutil.which("file"):
        pytest.skip("no dpkg-dev or no file: no .deb is made")
    return only(packages, f"tcphs_*+wireshark{host.version[0]}.{host.version[1]}_*.deb")


def test_deb_depends_on_the_package_of_the_soname(deb):
    needed = re.search(r"NEEDED\s+(libwireshark\.so\.\d+)", output_of("objdump", "-p", PLUGIN)).group(1)
    owner = output_of("dpkg", "-S", f"*/{needed}").split(":", 1)[0]
    depends = {d.split()[0] for d in output_of("dpkg-deb", "-f", deb, "Depends").split(", ")}
    assert re.match(r"libwireshark\d+", owner) and owner in depends
    assert {d for d in depends if d.startswith("libwireshark")} == {owner}
    assert output_of("dpkg-deb", "-f", deb, "Recommends").strip() == "tshark | wireshark"


def test_deb_holds_plugin_page_and_description(deb, host):
    rows = [line.split(None, 5) for line in output_of("dpkg-deb", "-c", deb).splitlines()]
    files = {r[5].lstrip("."): r for r in rows if not r[0].startswith("d")}
    env = {k: v for k, v in host.env.items() if k != "WIRESHARK_PLUGIN_DIR"}
    folders = dict(re.findall(r"^([^:]+):\s+(.*)$", host.run(host.tshark, "-G", "folders", env=env).stdout, re.M))
    due = {folders["Global Plugins"] + "/epan/tcphs.so", "/usr/share/man/man7/tcphs.7", "/usr/share/tcphs/tcphs.json",
           "/usr/share/doc/tcphs/copyright"}
    assert due <= set(files)
    assert {p.name for p in PROFILE} == {Path(name).name for name in set(files) - due}, "beside these, the profile and nothing else"
    assert {r[1] for r in rows} == {"root/root"} and not any("w" in r[0][5:] for r in rows)
    assert all(str(harness.ROOT) not in name and "/tmp" not in name for name in files)


def test_deb_is_stripped_and_loads(deb, host, tmp_path):
    output_of("dpkg-deb", "-x", deb, tmp_path)
    plugin = only(tmp_path, "**/tcphs.so")
    assert "not stripped" not in output_of("file", plugin)
    plugins = host.folder("unpacked", "{}.{}".format(*host.version), "epan")
    shutil.copy(plugin, plugins / "tcphs.so")
    env = dict(host.env, WIRESHARK_PLUGIN_DIR=str(plugins.parent.parent))
    assert str(plugins) in host.run(host.tshark, "-G", "plugins", env=env).stdout


def test_deb_runs_nothing_when_installed(deb, tmp_path):
    """No maintainer script: the loader finds the plugin by itself."""
    output_of("dpkg-deb", "-e", deb, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"control", "md5sums"}


# The .tar.gz ---------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def unpacked(packages, host):
    """As a user unpacks it, in a folder with a space in its name."""
    folder = host.folder("down loads")
    output_of("tar", "xzf", only(packages, f"tcphs-*-wireshark{host.version[0]}.{host.version[1]}-*.tar.gz"), "-C", folder, "--no-same-owner")
    return only(folder, "tcphs-*")


@pytest.fixture
def home(host, request):
    return host.folder("homes", re.sub(r"\W", " ", request.node.name))


def install(host, unpacked, home, *words, path=None):
    """A globally installed tcphs.so stays out of it: the harness names an empty folder for those."""
    env = dict(host.env, HOME=str(home), PATH=path or os.environ["PATH"])
    return host.run("sh", unpacked / "install.sh", *words, env=env)


def files_in(home):
    return {str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()}


def plugin_in(host):
    return ".local/lib/wireshark/plugins/{}.{}/epan/tcphs.so".format(*host.version)


def profile_in():
    return {".config/wireshark/profiles/" + str(p.relative_to(ROOT / "plugin" / "profile")) for p in PROFILE}


def test_tar_holds_what_it_installs(unpacked):
    names = {str(p.relative_to(unpacked)) for p in unpacked.rglob("*") if p.is_file()}
    profile = {"profile/" + str(p.relative_to(ROOT / "plugin" / "profile")) for p in PROFILE}
    assert names == {"install.sh", "tcphs.so", "tcphs.7", "tcphs.json", "COPYING"} | profile
    assert os.access(unpacked / "install.sh", os.X_OK)


def test_installs_lists_runs_and_uninstalls(host, unpacked, home):
    for _twice in range(2):
        done = install(host, unpacked, home)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "lists tcphs" in done.stdout and "Attention" not in done.stdout
    assert files_in(home) == {plugin_in(host)} | DESCRIPTIONS | profile_in()
    env = dict(host.env, HOME=str(home))
    capture = host.place(ROOT / "sample-captures" / "refused.pcap")
    assert " refused " in host.run(host.tshark, "-n", "-q", "-z", "tcphs,conn", "-r", capture, env=env).stdout
    done = install(host, unpacked, home, "--uninstall")
    assert done.returncode == 0 and done.stdout.count("Removed:") == 3 + len(PROFILE), done.stdout + done.stderr
    assert files_in(home) == set()
    assert "tcphs" not in host.run(host.tshark, "-G", "plugins", env=env).stdout
    assert "Was not there:" in install(host, unpacked, home, "--uninstall").stdout


@pytest.mark.skipif(not PROFILE, reason="no profile here")
def test_a_changed_profile_is_kept(host, unpacked, home):
    install(host, unpacked, home)
    mine = home / sorted(profile_in())[0]
    mine.write_text("mine\n")
    assert f"Kept as it is:  {mine}" in install(host, unpacked, home).stdout and mine.read_text() == "mine\n"
    assert f"Kept, changed:  {mine}" in install(host, unpacked, home, "--uninstall").stdout and mine.read_text() == "mine\n"


def programs(host, name, **scripts):
    """A PATH of these scripts and of what the installer needs, and nothing else: no Wireshark unless it is among the scripts."""
    folder = host.folder("programs", name)
    for tool in "sh id dirname basename sed awk find sort mkdir cp cmp rm rmdir ls chmod printf env".split():
        if shutil.which(tool) and not (folder / tool).exists():
            (folder / tool).symlink_to(shutil.which(tool))
    for script, text in scripts.items():
        (folder / script).write_text(f"#!/bin/sh\n{text}\n")
        (folder / script).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("other", ["3.6.2", "4.99.0", "10.1.3"])
def test_another_version_is_told_plainly(host, unpacked, home, other):
    path = programs(host, "other " + other, tshark=f"echo 'TShark (Wireshark) {other} (Git v{other} packaged as {other}-1).'")
    done = install(host, unpacked, home, path=path)
    assert done.returncode == 1 and files_in(home) == set()
    wanted, major_minor = "{}.{}".format(*host.version), ".".join(other.split(".")[:2])
    assert f"for Wireshark {wanted}" in done.stderr and other in done.stderr
    assert f"package for {major_minor}" in done.stderr and "cmake --build" in done.stderr and "Nothing was changed" in done.stderr


def test_no_wireshark_at_all(host, unpacked, home):
    done = install(host, unpacked, home, path=programs(host, "none"))
    assert done.returncode == 1 and "neither tshark nor wireshark" in done.stderr and files_in(home) == set()


def test_a_plugin_that_is_not_listed_is_an_error(host, unpacked, home):
    """A host of the right version that does not load it: the installer does not say that all is well."""
    version = "{}.{}.{}".format(*host.version)
    script = (f'case "$1$2" in --version) echo "TShark (Wireshark) {version}" ;;\n'
              '-Gfolders) printf "Personal configuration:\\t%s/c\\nPersonal Plugins:\\t%s/p\\n" "$HOME" "$HOME" ;; esac')
    done = install(host, unpacked, home, path=programs(host, "deaf", tshark=script))
    assert done.returncode == 1 and "does not list the plugin" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be root")
@pytest.mark.parametrize("ids", [(0, 0), (harness.NOBODY, 0), (0, harness.NOBODY)])
def test_root_is_told_that_it_loads_nothing(host, unpacked, home, ids):
    done = subprocess.run(["setpriv", "--reuid", str(ids[0]), "--regid", str(ids[1]), "--clear-groups", "sh", unpacked / "install.sh"],
                          env=dict(host.env, HOME=str(home)), capture_output=True, text=True, check=False)
    assert done.returncode == 1 and files_in(home) == set()
    assert "loads no personal plugin" in done.stderr and ".deb" in done.stderr


def test_usage(host, unpacked, home):
    assert install(host, unpacked, home, "--help").returncode == 0
    assert install(host, unpacked, home, "--remove").returncode == 2
    assert files_in(home) == set()


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck")
def test_the_installer_is_clean(unpacked):
    output_of("shellcheck", unpacked / "install.sh")
