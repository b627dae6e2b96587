"""`cmake --install` puts the plugin where this Wireshark looks, and the uninstall target takes it away again."""
import os
import shutil
import subprocess

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


def test_personal_install_and_uninstall(host, build, tmp_path):
    shutil.copy(host.plugin, build / "plugin" / "tcphs.so")
    said = cmake("--install", build, HOME=str(tmp_path), XDG_CONFIG_HOME="")
    place = tmp_path / ".local/lib/wireshark/plugins/{}.{}/epan/tcphs.so".format(*host.version)
    assert place.read_bytes() == host.plugin.read_bytes()
    assert (os.getuid() != 0) or "no personal plugin for root" in said
    described = [tmp_path / ".local/share/man/man7/tcphs.7", tmp_path / ".local/share/tcphs/tcphs.json"]
    assert all(p.is_file() for p in described)
    cmake("--build", build, "--target", "uninstall")
    assert not any(p.exists() for p in (place, *described))


def test_a_list_of_another_user_is_replaced(host, build, tmp_path):
    """`sudo cmake --install` leaves its list of files to root; `cpack` by the owner of the build folder writes a new one. (Nobody, not even
    root, may write to what the link here leads to.)"""
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
