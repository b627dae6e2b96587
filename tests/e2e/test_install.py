"""`cmake --install` puts the plugin where this Wireshark looks, and the uninstall target takes it away again."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import harness


def cmake(*args, **env):
    done = subprocess.run(["cmake", *map(str, args)], env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A build folder whose plugin is the one under test: only the installing is tried here."""
    if not shutil.which("cmake"):
        pytest.skip("no cmake here")
    folder = tmp_path_factory.mktemp("build")
    cmake("-G", "Ninja", "-S", harness.ROOT, "-B", folder, "-DTCPHS_INSTALL=personal", "-DBUILD_TESTING=OFF")
    cmake("--build", folder, "--target", "tcphs_descriptions")
    return folder


@pytest.fixture
def world(host, build, tmp_path):
    """The folders of all users and of one, as the scripts of the build folder take them from here on; and a plugin in the build folder."""
    shutil.copy(host.plugin, build / "plugin" / "tcphs.so")
    cmake("-S", harness.ROOT, "-B", build, "-DTCPHS_INSTALL=personal", "-DBUILD_TESTING=OFF")
    return World(host, build, tmp_path)


class World:
    def __init__(self, host, build, folder):
        self.build, self.home, self.prefix = build, folder / "home", folder / "usr"
        self.home.mkdir()
        self.personal = self.home / ".local/lib/wireshark/plugins/{}.{}/epan/tcphs.so".format(*host.version)
        self.everybody = self.prefix / "lib/plugins/epan/tcphs.so"
        self.redirect(build)

    def redirect(self, build):
        copies = build / "plugin" / "copies.cmake"
        text = re.sub(r'set\(prefix "[^"]*"\)', f'set(prefix "{self.prefix}")', copies.read_text())
        copies.write_text(re.sub(r'set\(global_plugins "[^"]*"\)', f'set(global_plugins "{self.prefix}/lib/plugins")', text))

    def run(self, *args, ok=True, **more):
        env = {k: v for k, v in os.environ.items() if k != "SUDO_USER"}
        done = subprocess.run(["cmake", *map(str, args)], env=dict(env, HOME=str(self.home), XDG_CONFIG_HOME=""), capture_output=True, text=True,
                              **more)
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())

    def install(self, build=None, where="personal", **more):
        build = build or self.build
        script = build / "plugin" / "install-where.cmake"
        script.write_text(re.sub(r'set\(where "\w+"\)', f'set(where "{where}")', script.read_text(), count=1))
        return self.run("--install", build, **more)

    def uninstall(self, build=None, **more):
        return self.run("-P", (build or self.build) / "plugin" / "uninstall.cmake", **more)

    def files(self):
        return sorted(str(p.relative_to(self.home.parent)) for root in (self.home, self.prefix) for p in root.rglob("*") if p.is_file())


def test_personal_install_and_uninstall(host, world):
    said = world.install()
    assert world.personal.read_bytes() == host.plugin.read_bytes()
    assert (os.getuid() != 0) or "no personal plugin for root" in said
    assert "Several copies" not in said and f"cmake -P {world.build}/plugin/uninstall.cmake" in said
    described = [world.home / ".local/share/man/man7/tcphs.7", world.home / ".local/share/tcphs/tcphs.json"]
    assert all(p.is_file() for p in described)
    said = world.run("--build", world.build, "--target", "uninstall")
    assert f"Removed: {world.personal}" in said and "Still there" not in said
    assert world.files() == []


def test_global_install_and_uninstall(world):
    world.install(where="global")
    assert world.everybody.is_file() and not world.personal.exists()
    world.uninstall()
    assert world.files() == []


def test_a_second_copy_is_named_when_it_comes(world):
    """Wireshark looks in the folder of all users first, and loads that copy without a word."""
    world.install(where="global")
    said = world.install()
    assert f"{world.everybody} (loaded in place of what was installed now; to remove it: " in said
    assert f"rm {world.everybody}" in said and f"{world.personal} (installed now, NOT loaded)" in said
    said = world.install(where="global")
    assert f"{world.everybody} (installed now, and loaded)" in said and f"{world.personal} (not loaded; to remove it: " in said
    said = world.uninstall()
    assert f"Removed: {world.everybody}" in said and f"Removed: {world.personal}" in said and world.files() == []


def test_uninstall_names_what_it_leaves(world):
    world.everybody.parent.mkdir(parents=True)
    world.everybody.write_text("of a package")
    world.install()
    said = world.uninstall()
    assert f"Removed: {world.personal}" in said and f"Still there: {world.everybody} (to remove it: " in said
    assert world.everybody.read_text() == "of a package"


def test_uninstall_leaves_what_is_not_its_own(world):
    """What another build put there since, or a person changed, is not what this build installed."""
    assert "Nothing was installed from this build folder" in world.uninstall(ok=False)
    world.install()
    changed = world.home / ".config/wireshark/profiles/TCP Handshake/preferences"
    changed.write_text("mine")
    world.personal.write_text("of another build")
    said = world.uninstall()
    assert f"Kept, for it was changed since: {changed}" in said and f"Kept, for it was changed since: {world.personal}" in said
    assert f"Still there: {world.personal}" in said
    assert {changed, world.personal} == {world.home.parent / p for p in world.files()}


def test_uninstall_leaves_what_another_build_installed(world, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(world.build, other)
    for script in other.rglob("*.cmake"):
        script.write_text(script.read_text().replace(str(world.build), str(other)))
    world.install(other)
    before = world.files()
    said = world.uninstall(ok=False)
    assert f"Kept, for it was installed from {other}" in said and f"Still there: {world.personal}" in said and world.files() == before
    world.uninstall(other)
    assert world.files() == []


def test_a_build_folder_of_another_user(host, world):
    """`cmake --install` and the way back, by a user who may only read the build folder; and a list that root left there."""
    if os.getuid() != 0:
        pytest.skip("needs root, to be another user")
    for folder in [world.build, *world.build.parents, *world.home.parents]:
        if Path(tempfile.gettempdir()) in folder.parents:
            folder.chmod(folder.stat().st_mode | 0o055)  # pytest's folders are for their owner alone
    shutil.chown(world.home, harness.NOBODY, harness.NOBODY)
    if subprocess.run(["test", "-r", harness.ROOT / "COPYING"], preexec_fn=host.drop, check=False).returncode:
        pytest.skip("the sources are for their owner alone")
    said = world.install(preexec_fn=host.drop)
    assert world.personal.is_file() and "Warning" not in said
    assert f"Removed: {world.personal}" in world.uninstall(preexec_fn=host.drop) and world.files() == []


def test_a_list_of_another_user_is_replaced(host, build, tmp_path):
    """`sudo cmake --install` may have left CMake's list of files to root; `cpack` by the owner of the build folder writes a new one. (Nobody,
    not even root, may write to what the link here leads to.)"""
    shutil.copy(host.plugin, build / "plugin" / "tcphs.so")
    written = build / "install_manifest.txt"
    written.unlink(missing_ok=True)
    written.symlink_to("/proc/version")
    cmake("--install", build, HOME=str(tmp_path), XDG_CONFIG_HOME="")
    assert not written.is_symlink() and "tcphs.so" in written.read_text()


def test_staged_install_is_global(host, build, tmp_path):
    """A package build (DESTDIR) installs into the folder that tshark names as the global one."""
    listed = host.run(host.tshark, "-G", "folders", env={k: v for k, v in host.env.items() if k != "WIRESHARK_PLUGIN_DIR"}).stdout
    folder = next(line.split("\t")[-1] for line in listed.splitlines() if line.startswith("Global Plugins:"))
    cmake("-S", harness.ROOT, "-B", build, "-DTCPHS_INSTALL=auto", "-DBUILD_TESTING=OFF")
    shutil.copy(host.plugin, build / "plugin" / "tcphs.so")
    cmake("--install", build, DESTDIR=str(tmp_path))
    assert (tmp_path / folder.lstrip("/") / "epan" / "tcphs.so").is_file()
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} >= {"tcphs.7", "tcphs.json", "copyright"}


def test_unknown_place_is_refused(build):
    done = subprocess.run(["cmake", "-S", harness.ROOT, "-B", build, "-DTCPHS_INSTALL=nowhere", "-DBUILD_TESTING=OFF"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and "expected auto, global or personal" in done.stderr
