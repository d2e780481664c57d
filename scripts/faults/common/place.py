"""Folders, images, loop devices and mounts, all given back at the end."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from .report import Broken, Refused


def run(*arguments, refuse=False, timeout=120):
    """Runs a tool of the machine. With `refuse`, its failure means that a fault cannot be made."""
    try:
        result = subprocess.run(
            [str(argument) for argument in arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise Refused(f"{arguments[0]} is not installed") from None
    if result.returncode != 0:
        said = (result.stderr + result.stdout).strip().splitlines()
        error = Refused if refuse else Broken
        what = " ".join(str(argument) for argument in arguments)
        raise error(f"{what}: {said[0].strip() if said else f'exit {result.returncode}'}")
    return result.stdout.strip()


class Place:
    """A scratch folder beside the build, and everything that is mounted in it."""

    def __init__(self, root, programs):
        self.programs = pathlib.Path(programs)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="faults.", dir=root))
        self.kept = pathlib.Path(root)
        self.stack = contextlib.ExitStack()
        # The data directory that a failure should leave to look at.
        self.suspect = None

    def folder(self, name):
        path = self.scratch / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def keep(self, name):
        """Copies the suspect's data directory out of the scratch folder, if it can be read."""
        if self.suspect is None or not os.path.isdir(self.suspect):
            return None
        target = self.kept / f"faults-found-{name}-{os.getpid()}"
        with contextlib.suppress(shutil.Error, OSError):
            shutil.copytree(self.suspect, target, dirs_exist_ok=True)
        self.suspect = None
        return target

    def clear(self):
        """Ends what the last kind has left, and removes its files."""
        self.stack.close()
        self.suspect = None
        for path in self.scratch.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def close(self):
        try:
            self.stack.close()
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def image(self, name, size, system, folder=None):
        path = (folder or self.scratch) / f"{name}.img"
        path.unlink(missing_ok=True)
        with open(path, "wb") as file:
            file.truncate(size)
        make(path, system)
        return path

    def mount(self, device, name, system="ext4"):
        """Mounts an image or a device; unmounted at the end at the latest."""
        mounted = Mount(device, self.scratch / name, system)
        self.stack.callback(mounted.unmount)
        mounted.mount()
        return mounted


def make(device, system):
    if system == "ext4":
        run("mkfs.ext4", "-q", "-F", "-m", "0", device, refuse=True)
    else:
        run("mkfs.xfs", "-q", "-f", "-m", "reflink=1", device, refuse=True)


class Mount:
    def __init__(self, device, path, system):
        self.device = device
        self.path = path
        self.system = system
        self.is_mounted = False

    def mount(self):
        self.path.mkdir(exist_ok=True)
        options = ["loop"] if self.device.is_file() else []
        if self.system == "xfs":
            # A clone has the identity of its original, which is mounted too.
            options.append("nouuid")
        run("mount", "-o", ",".join(options or ["rw"]), self.device, self.path, refuse=True)
        self.is_mounted = True

    def unmount(self):
        if not self.is_mounted:
            return
        # A device that is closed a moment later keeps it busy.
        for attempt in range(50):
            try:
                run("umount", self.path)
                break
            except Broken:
                if attempt == 49:
                    run("umount", "-l", self.path)
                time.sleep(0.1)
        self.is_mounted = False

    def again(self):
        """A reboot, as far as this file system is concerned."""
        self.unmount()
        self.mount()

    def cut(self):
        """From here on nothing reaches the medium, and nothing of what the kernel holds will."""
        run("xfs_io", "-x", "-c", "shutdown", self.path, refuse=True)


class FaultyDevice:
    """A loop device over nbdkit, one of whose filters makes the fault."""

    def __init__(self, place, image, *parameters):
        self.place = place
        self.image = image
        self.parameters = parameters
        self.children = []
        self.loop = None
        self.folder = place.scratch / "nbd"
        self.folder.mkdir(exist_ok=True)
        place.stack.callback(self.close)

    def open(self):
        socket = self.place.scratch / "nbd.sock"
        socket.unlink(missing_ok=True)
        filter_name, *rest = self.parameters
        self.spawn(
            "nbdkit", "-f", "-U", socket, f"--filter={filter_name}", "file", self.image, *rest
        )
        wait_for(socket.exists, "nbdkit")
        self.spawn("nbdfuse", self.folder, "--unix", socket)
        file = self.folder / "nbd"
        wait_for(file.exists, "nbdfuse")
        self.loop = run("losetup", "-f", "--show", file, refuse=True)
        return pathlib.Path(self.loop)

    def spawn(self, *arguments):
        try:
            child = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise Refused(f"{arguments[0]} is not installed") from None
        self.children.append(child)

    def close(self):
        if self.loop:
            run("losetup", "-d", self.loop)
            self.loop = None
        if os.path.ismount(self.folder):
            for _ in range(50):
                try:
                    run("fusermount3", "-u", self.folder)
                    break
                except (Broken, Refused):
                    time.sleep(0.1)
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []


class Clone:
    """A reflink of an image, made in one instant."""

    FICLONE = 0x40049409

    def __init__(self, image, path):
        self.path = path
        path.unlink(missing_ok=True)
        self.source = open(image, "rb")
        self.target = open(path, "wb")

    def make(self):
        try:
            fcntl.ioctl(self.target, self.FICLONE, self.source.fileno())
        except OSError as error:
            raise Refused(f"reflink of {self.source.name}: {error}") from None
        finally:
            self.source.close()
            self.target.close()


def wait_for(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Refused(f"{what} does not come up")
        time.sleep(0.02)


def drop_caches():
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("1\n")
