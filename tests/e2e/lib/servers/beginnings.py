# SPDX-License-Identifier: BSD-2-Clause
"""The beginning of every configuration of a server: it stays in the foreground, and keeps its files in a folder of its own. Filled
in by str.format()."""

from lib import tls

NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
"""

NGINX_HTTP = """
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
"""

APACHE = """
ServerRoot {folder}
DefaultRuntimeDir {folder}
Mutex file:{folder} default
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
Listen 127.0.0.1:{port}
ServerName test
User nobody
"""

# Of a server that ends TLS itself.
NGINX_TLS = """
	ssl_certificate {certificate};
	ssl_certificate_key {key};
"""

NGINX_ANY = "ssl_protocols TLSv1.2 TLSv1.3;"
NGINX_STATIC = "ssl_protocols TLSv1.2; ssl_ciphers {suite};"

APACHE_TLS = """
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
SSLEngine on
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}
"""

CADDY = """
{{
	admin off
	auto_https off
	storage file_system {folder}/storage
	log {{
		level ERROR
	}}
}}
http://:{port} {{
	bind 127.0.0.1
"""


def keys(text, certificates, static="", otherwise=""):
    """This part of a configuration with the server's certificate and key; nothing without. @static: what goes behind it if the server's
    key is to open its sessions; @otherwise: if not."""
    if not certificates:
        return ""
    text += static if certificates.static else otherwise
    names = {"certificate": certificates.server, "key": certificates.server_key, "both": certificates.both}
    return text.format(**names, log=certificates.keys, suite=tls.STATIC)
