# SPDX-License-Identifier: BSD-2-Clause
import signal

from lib.servers import beginnings
from lib.servers.process import Server, www

CONFIG = beginnings.APACHE + """
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
StartServers 2
ThreadsPerChild 16
KeepAlive On
KeepAliveTimeout {keepalive_timeout}
MaxKeepAliveRequests {max_requests}
RequestReadTimeout header=1 body=0
GracefulShutdownTimeout 2
DocumentRoot {folder}/www
DirectoryIndex index.html
{keys}
<Location /private>
	AuthType Basic
	AuthName test
	AuthUserFile /dev/null
	Require valid-user
</Location>
"""


class Apache(Server):
    """With mpm_event. /private wants a password that nobody has."""

    def __init__(self, folder, port, keepalive_timeout="600", max_requests=0, certificates=None):
        folder.chmod(0o755)
        www(folder)
        settings = {
            "folder": folder,
            "port": port,
            "keepalive_timeout": keepalive_timeout,
            "max_requests": max_requests,
            "keys": beginnings.keys(beginnings.APACHE_TLS, certificates),
        }
        (folder / "apache.conf").write_text(CONFIG.format(**settings))
        super().__init__(folder, port, ["apache2", "-f", folder / "apache.conf", "-D", "FOREGROUND"], certificates)

    def reload(self):
        """A graceful restart: every child finishes what it serves, and is replaced."""
        self.signal(signal.SIGUSR1)

    def kill_workers(self):
        self.signal(signal.SIGKILL, self.children())
